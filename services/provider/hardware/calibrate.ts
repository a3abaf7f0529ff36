/** How fast this machine trains: a short run of a real program on the back end that jobs run on. */
import { readFile, writeFile } from "node:fs/promises";
import { cpus } from "node:os";
import { z } from "zod";
import { workUnits } from "@assay/engine/ir/units";
import { mlp } from "@assay/engine/models/mlp";
import { createWasmBackend } from "@assay/engine/wasm/backend";
import { LANES, MOST_THREADS, type EngineSettings } from "@assay/engine/wasm/settings";

const ROWS = 256;
const INPUTS = 256;
/** Bursts, and the length of each: the best one counts, so that other work on the machine does not look like a slow machine. */
const BURSTS = 10;
const BURST_MS = 50;
const GOOD_FOR_MS = 24 * 3600 * 1000;

const savedSchema = z.object({
  version: z.literal(2),
  cpuModel: z.string(),
  lanes: z.enum(LANES),
  threads: z.int().min(1).max(MOST_THREADS),
  unitsPerSecond: z.number().positive(),
  at: z.number(),
});

/** Work units a second of one job alone on the machine, for an MLP of common size. */
const measureUnitsPerSecond = async (engine: EngineSettings): Promise<number> => {
  const program = mlp({
    inputs: INPUTS,
    hidden: [128],
    outputs: 10,
    activation: "relu",
    optimizer: { kind: "sgd", learningRate: 0.05 },
    batch: 64,
    interval: 1_000_000,
    steps: 1_000_000,
    trainRows: ROWS,
    heldOutRows: 1,
  });
  const step = Number(workUnits(program).step);
  const data = program.data.map(({ shape }) => new Uint32Array(shape.reduce((a, b) => a * b, 1)));
  const backend = createWasmBackend(engine);
  const execution = await backend.prepare(program, { data, parent: [], seed: 1n });
  try {
    execution.init();
    execution.run(20);
    let best = 0;
    for (let burst = 0; burst < BURSTS; burst++) {
      let steps = 0;
      let spent = 0;
      const begun = performance.now();
      while (spent < BURST_MS) {
        execution.run(5);
        steps += 5;
        spent = performance.now() - begun;
      }
      best = Math.max(best, (steps * step * 1000) / spent);
    }
    return best;
  } finally {
    execution.close();
  }
};

/** The measurement kept at `path`, made anew once it is a day old, of another machine or of other settings. */
export const calibrated = async (path: string, engine: EngineSettings): Promise<number> => {
  const cpuModel = cpus()[0]?.model ?? "unknown";
  try {
    const saved = savedSchema.parse(JSON.parse(await readFile(path, "utf8")));
    const same =
      saved.cpuModel === cpuModel &&
      saved.lanes === engine.lanes &&
      saved.threads === engine.threads;
    if (same && Date.now() - saved.at < GOOD_FOR_MS) return saved.unitsPerSecond;
  } catch {
    // Absent or unreadable: measured again below.
  }
  const unitsPerSecond = Math.round(await measureUnitsPerSecond(engine));
  const { lanes, threads } = engine;
  const saved = { version: 2, cpuModel, lanes, threads, unitsPerSecond, at: Date.now() };
  await writeFile(path, `${JSON.stringify(saved)}\n`);
  return unitsPerSecond;
};
