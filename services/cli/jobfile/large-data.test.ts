/** A data set goes from another format to a request, and from a store to whoever checks it, in memory that does not grow with it. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import {
  closeSync,
  ftruncateSync,
  mkdtempSync,
  openSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { importDataset } from "@assay/engine/data/import/import";
import { scanTensors, summaryRoot } from "@assay/engine/data/stream";
import { contentStore } from "@assay/storage/content";
import { fileSystemBlocks } from "@assay/storage/file-system";
import { dataBytes, prepareJob } from "./prepare.ts";
import { jobFileTemplate } from "./template.ts";

const MIB = 2 ** 20;
const [ROWS, WIDTH] = [49_152, 1024];
/** Bytes of the columns of features: four for each number. */
const DATA_BYTES = 4 * ROWS * WIDTH;

/** An npy file of small numbers, all zero but the first. */
const writeArray = (path: string, shape: readonly number[]): void => {
  const text = `{'descr': '|u1', 'fortran_order': False, 'shape': (${shape.join(", ")},), }`;
  const header = Buffer.alloc(10 + text.length);
  header.write("\x93NUMPY\x01\x00", "latin1");
  header.writeUInt16LE(text.length, 8);
  header.write(text, 10);
  const file = openSync(path, "w");
  writeSync(file, header);
  writeSync(file, Uint8Array.of(1));
  ftruncateSync(file, header.length + shape.reduce((a, b) => a * b, 1));
  closeSync(file);
};

/** What the child prints. */
interface Passed {
  readonly imported: string;
  readonly signed: string;
  readonly fetched: string;
  /** By how much memory grew beyond what the program itself takes. */
  readonly grownBytes: number;
}

const peakBytes = (): number => process.resourceUsage().maxRSS * 1024;

const pass = async (folder: string): Promise<Passed> => {
  const before = peakBytes();
  const [features, labels] = [join(folder, "x.npy"), join(folder, "y.npy")];
  writeArray(features, [ROWS, WIDTH]);
  writeArray(labels, [ROWS]);
  const out = join(folder, "data.safetensors");
  const { dataRoot } = await importDataset({
    source: { kind: "npy", path: features, labels },
    out,
    holdOut: 8,
    licence: "CC0-1.0",
  });
  const job = join(folder, "job.yaml");
  const template = jobFileTemplate({
    name: "large",
    data: "data.safetensors",
    preset: "mlp",
    batch: 64,
    epochs: 1,
    checkpointEvery: 100,
    learningRate: 0.01,
    maximum: "1.00",
  });
  writeFileSync(job, template);
  const prepared = await prepareJob(job, { symbol: "tUSD", decimals: 6 });
  const store = contentStore(await fileSystemBlocks(join(folder, "blocks")));
  const cid = await store.putFile(dataBytes(prepared.dataFile));
  const fetched = summaryRoot(await scanTensors(store.getFile(cid)), prepared.program.data);
  return {
    imported: dataRoot,
    signed: prepared.dataRoot,
    fetched,
    grownBytes: peakBytes() - before,
  };
};

const child = process.env["ASSAY_LARGE_DATA_FOLDER"];
if (child !== undefined) process.stdout.write(JSON.stringify(await pass(child)));
else
  test("a data set is imported, signed, stored, fetched and checked in a fraction of its size", async (t) => {
    const folder = mkdtempSync(join(tmpdir(), "assay-large-"));
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ["--max-old-space-size=64", "--max-semi-space-size=2", import.meta.filename],
      { env: { ...process.env, ASSAY_LARGE_DATA_FOLDER: folder } },
    );
    const { imported, signed, fetched, grownBytes } = JSON.parse(stdout) as Passed;
    assert.equal(signed, imported);
    assert.equal(fetched, imported);
    const [grown, data] = [grownBytes, DATA_BYTES].map((bytes) => Math.round(bytes / MIB));
    assert.ok(grownBytes < 0.75 * DATA_BYTES, `${grown} MiB for ${data} MiB of data`);
  });
