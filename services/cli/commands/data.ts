import { type Command, Option } from "commander";
import { createReadStream, existsSync, statSync, writeFileSync } from "node:fs";
import { extname } from "node:path";
import { importDataset, type ImportSource, manifestPath } from "@assay/engine/data/import/import";
import { AssayError } from "@assay/protocol/errors";
import type { BlockStore } from "@assay/storage/blocks";
import { contentStore } from "@assay/storage/content";
import { createOutput } from "../terminal/output.ts";
import { formatCount, shortHex } from "../terminal/format.ts";

interface ImportFlags {
  readonly json?: boolean;
  readonly out: string;
  readonly licence: string;
  readonly holdOut: string;
  readonly kind?: ImportSource["kind"];
  readonly label?: string;
  readonly labels?: string;
  readonly separator?: string;
  readonly scale?: string;
  readonly channels?: string;
  readonly extension?: string;
  readonly bytePairs?: string;
}

const KINDS = ["csv", "idx", "npy", "images", "text"] as const;

/** What a path looks like: a folder is images unless told. */
const kindOf = (path: string): ImportSource["kind"] => {
  if (!existsSync(path))
    throw new AssayError("DATA_UNREADABLE", `there is no ${path}`, { remedy: "check the path" });
  if (statSync(path).isDirectory()) return "images";
  const name = path.replace(/\.gz$/, "");
  if (/-(u?byte|int|short|float|double)$/.test(name)) return "idx";
  const known: Readonly<Record<string, ImportSource["kind"]>> = {
    ".csv": "csv",
    ".tsv": "csv",
    ".idx": "idx",
    ".npy": "npy",
  };
  return known[extname(name)] ?? "text";
};

const number = (text: string | undefined, flag: string): number | undefined => {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (Number.isFinite(value) && value > 0) return value;
  throw new AssayError("USAGE_BAD_NUMBER", `${flag} ${text} is not a number above 0`, {
    remedy: "see `assay data import --help`",
  });
};

const needed = (value: string | undefined, flag: string, what: string): string => {
  if (value !== undefined) return value;
  throw new AssayError("USAGE_MISSING_OPTION", `${flag} is missing`, {
    remedy: `name ${what} with ${flag}`,
  });
};

const sourceOf = (path: string, flags: ImportFlags): ImportSource => {
  const kind = flags.kind ?? kindOf(path);
  switch (kind) {
    case "csv":
      return {
        kind,
        path,
        label: needed(flags.label, "--label", "the column of classes"),
        separator: flags.separator ?? (path.endsWith(".tsv") ? "\t" : ","),
      };
    case "images":
      return { kind, path, channels: flags.channels === "1" ? 1 : 3 };
    case "text":
      return {
        kind,
        path,
        extension: flags.extension,
        bytePairs: number(flags.bytePairs, "--byte-pairs"),
      };
    default:
      return {
        kind,
        path,
        labels: needed(flags.labels, "--labels", "the file of labels"),
        scale: number(flags.scale, "--scale"),
      };
  }
};

/** Takes blocks and keeps none: the CID of a file that goes nowhere yet. */
const noBlocks: BlockStore = {
  has: () => Promise.resolve(false),
  get: () => Promise.reject(new RangeError("nothing is kept")),
  put: () => Promise.resolve(),
  delete: () => Promise.resolve(),
};

export const registerData = (program: Command): void => {
  const data = program
    .command("data")
    .description("data sets: from other formats to what a job file names")
    .addHelpText("after", "\nExample:\n  assay data import flowers.csv --label species");
  data
    .command("import <path>")
    .description("CSV, IDX, npy, text, or a folder of images to a data set with root and manifest")
    .option("--out <file>", "the data file; its manifest goes beside it", "data.safetensors")
    .option("--licence <text>", "who may do what with it; goes into the manifest", "unknown")
    .option("--hold-out <n>", "hold out every n-th row or file (of one text: its last n-th)", "5")
    .addOption(new Option("--kind <format>", "default: by the file's name").choices(KINDS))
    .option("--label <column>", "csv: the column of classes")
    .option("--separator <character>", "csv: between two fields; default: a comma")
    .option("--labels <file>", "idx, npy: the file of labels")
    .option("--scale <factor>", "idx, npy: multiplies features; default: 1/255 for bytes")
    .addOption(new Option("--channels <n>", "images: 1 for grey").choices(["1", "3"]).default("3"))
    .option("--extension <ending>", "text: which files of a folder")
    .option("--byte-pairs <tokens>", "text: learn byte-pair tokens; default: characters")
    .addHelpText(
      "after",
      "\nExample:\n  assay data import flowers.csv --label species --licence CC-BY-4.0\n  assay data import train-images-idx3-ubyte.gz --labels train-labels-idx1-ubyte.gz\n  assay data import contracts --kind text --extension .sol --byte-pairs 1024",
    )
    .action(async (path: string, _options: unknown, command: Command) => {
      const flags = command.optsWithGlobals<ImportFlags>();
      const output = createOutput(flags.json ?? false);
      const { out, licence } = flags;
      if (existsSync(out))
        throw new AssayError("USAGE_FILE_EXISTS", `${out} exists`, {
          remedy: "name another file with --out, or remove it",
        });
      const manifest = await importDataset({
        source: sourceOf(path, flags),
        out,
        licence,
        holdOut: number(flags.holdOut, "--hold-out") ?? 5,
      });
      const cid = await contentStore(noBlocks).putFile(createReadStream(out));
      const written = { ...manifest, cid: cid.toString() };
      writeFileSync(manifestPath(out), `${JSON.stringify(written, null, 2)}\n`);
      output.step("Data set");
      output.good(`${out}: ${formatCount(statSync(out).size)}B`);
      for (const { name, dtype, shape } of manifest.columns)
        output.line(`${name} ${dtype}[${shape.join(", ")}]`);
      output.line(`root ${shortHex(manifest.dataRoot)}  content ${written.cid}`);
      output.good(manifestPath(out));
      output.next("name the file in `data:` of a job file");
      output.result(written);
    });
};
