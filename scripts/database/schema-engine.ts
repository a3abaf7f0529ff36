/**
 * Prisma's schema engine, from its WebAssembly build and with an in-process PostgreSQL as scratch database: the CLI's own
 * engine would have to be downloaded.
 */
import { PGlite } from "@electric-sql/pglite";
import {
  bindMigrationAwareSqlAdapterFactory,
  type SqlDriverAdapter,
} from "@prisma/driver-adapter-utils";
import { PrismaPGlite } from "pglite-prisma-adapter";
import { readFile, readdir } from "node:fs/promises";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const folder = fileURLToPath(new URL("../../services/market/database", import.meta.url));
export const SCHEMA = join(folder, "schema.prisma");
export const MIGRATIONS = join(folder, "migrations");

/** The part of the JavaScript API that is needed here; the compiler's own types for it come with the DOM's. */
declare const WebAssembly: {
  instantiate(
    bytes: Uint8Array,
    imports: object,
  ): Promise<{ instance: { exports: Record<string, unknown> } }>;
};

interface Engine {
  diff(parameters: object): Promise<{ stdout: string | null }>;
  free(): void;
}

interface EngineModule {
  readonly SchemaEngine: {
    new: (options: object, log: (line: string) => void, adapter: unknown) => Promise<Engine>;
  };
  __wbg_set_wasm(exports: object): void;
}

const loadEngine = async (): Promise<EngineModule> => {
  const path = createRequire(import.meta.url).resolve(
    "@prisma/schema-engine-wasm/schema_engine_bg",
  );
  const module = (await import(pathToFileURL(path).href)) as EngineModule;
  const wasm = await readFile(join(dirname(path), "schema_engine_bg.wasm"));
  const { instance } = await WebAssembly.instantiate(wasm, {
    [`./${basename(path)}`]: module,
  });
  module.__wbg_set_wasm(instance.exports);
  (instance.exports["__wbindgen_start"] as () => void)();
  // The engine calls this when it panics.
  Object.assign(globalThis, {
    PRISMA_WASM_PANIC_REGISTRY: {
      set_message(message: string) {
        throw new Error(`schema engine: ${message}`);
      },
    },
  });
  return module;
};

const scratchDatabase = async (): Promise<SqlDriverAdapter> => {
  const database = new PGlite();
  const adapter = await new PrismaPGlite(database).connect();
  return Object.assign(adapter, { dispose: () => database.close() });
};

const migrationList = async () => ({
  baseDir: MIGRATIONS,
  lockfile: { path: "migration_lock.toml", content: 'provider = "postgresql"' },
  shadowDbInitScript: "",
  migrationDirectories: await Promise.all(
    (await readdir(MIGRATIONS, { withFileTypes: true }))
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name)
      .sort()
      .map(async (path) => ({
        path,
        migrationFile: {
          path: "migration.sql",
          content: {
            tag: "ok",
            value: await readFile(join(MIGRATIONS, path, "migration.sql"), "utf8"),
          },
        },
      })),
  ),
});

/** SQL that the migrations still lack to give the tables of `schema.prisma`; empty if they give them exactly. */
export const missingSql = async (): Promise<string> => {
  const { SchemaEngine } = await loadEngine();
  const factory = bindMigrationAwareSqlAdapterFactory({
    provider: "postgres",
    adapterName: "pglite",
    connect: scratchDatabase,
    connectToShadowDb: scratchDatabase,
  });
  const files = [{ path: SCHEMA, content: await readFile(SCHEMA, "utf8") }];
  const engine = await SchemaEngine.new(
    { datamodels: files.map(({ path, content }) => [path, content]) },
    () => undefined,
    factory,
  );
  try {
    const { stdout } = await engine.diff({
      from: { tag: "migrations", ...(await migrationList()) },
      to: { tag: "schemaDatamodel", files },
      script: true,
      exitCode: null,
      filters: { externalTables: [], externalEnums: [] },
    });
    const sql = stdout ?? "";
    return /^\s*--\s*This is an empty migration/m.test(sql) ? "" : sql.trim();
  } finally {
    engine.free();
  }
};
