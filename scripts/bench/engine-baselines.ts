/** The programs that the engine is measured against: each runs in a process of its own and measures one round whenever asked. */
import { spawn, spawnSync, type ChildProcessByStdio } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { z } from "zod";

export interface Baseline {
  readonly name: string;
  /** Pieces of work that it can be asked for. */
  readonly works: readonly string[];
  /** Milliseconds of processor time of one call, over a short round. */
  round(work: string): Promise<number>;
  close(): void;
}

const fileOf = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const namesSchema = z.array(z.string());

/** Starts a script that says what it can do, then answers each name with a figure; null where it cannot start. */
const start = async (name: string, command: readonly string[]): Promise<Baseline | null> => {
  const [file = "", ...args] = command;
  const child: ChildProcessByStdio<Writable, Readable, null> = spawn(file, args, {
    stdio: ["pipe", "pipe", "ignore"],
  });
  child.on("error", () => undefined);
  child.stdin.on("error", () => undefined);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const first = await lines.next();
  if (first.done === true) return null;
  return {
    name,
    works: namesSchema.parse(JSON.parse(first.value)),
    round: async (work) => {
      child.stdin.write(`${work}\n`);
      const { value, done } = await lines.next();
      if (done === true) throw new Error(`${name} ended`);
      return Number(value);
    },
    close: () => child.stdin.end(),
  };
};

/** The first python3 that can run the script: one of a version manager may lack the packages of the system's. */
const python = async (name: string, script: string): Promise<Baseline | null> =>
  (await start(name, ["python3", "-B", fileOf(script)])) ??
  (await start(name, ["/usr/bin/python3", "-B", fileOf(script)]));

const TFJS = { "@tensorflow/tfjs-core": "4.22.0", "@tensorflow/tfjs-backend-wasm": "4.22.0" };
const TFJS_FOLDER = fileOf("../../.build/bench/tfjs");

/** 66 MB that only this benchmark needs: fetched at its first run, kept with what is built. */
const tfjs = (): Promise<Baseline | null> => {
  if (!existsSync(join(TFJS_FOLDER, "node_modules/@tensorflow/tfjs-backend-wasm/package.json"))) {
    mkdirSync(TFJS_FOLDER, { recursive: true });
    const manifest = { private: true, dependencies: TFJS };
    writeFileSync(join(TFJS_FOLDER, "package.json"), JSON.stringify(manifest));
    const npm = join(dirname(process.execPath), "npm");
    spawnSync(existsSync(npm) ? npm : "npm", ["install", "--ignore-scripts", "--no-audit"], {
      cwd: TFJS_FOLDER,
      stdio: "ignore",
    });
  }
  return start("tfjs-wasm", [process.execPath, fileOf("engine-tfjs.mjs"), TFJS_FOLDER]);
};

/** All that can run here, by name, and how to get the others. */
export const startBaselines = async (): Promise<{
  readonly running: readonly Baseline[];
  readonly missing: readonly string[];
}> => {
  const known = [
    {
      start: () => python("numpy", "engine-numpy.py"),
      how: "numpy: apt-get install python3-numpy",
    },
    {
      start: () => python("PyTorch", "engine-torch.py"),
      how: "PyTorch: apt-get install python3-torch libopenblas0-pthread",
    },
    { start: tfjs, how: "tfjs-wasm: npm could not fetch it" },
  ];
  const running: Baseline[] = [];
  const missing: string[] = [];
  for (const one of known) {
    const baseline = await one.start();
    if (baseline === null) missing.push(one.how);
    else running.push(baseline);
  }
  return { running, missing };
};
