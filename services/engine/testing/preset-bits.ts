/**
 * Trains every preset on every back end and prints what came out as one line of JSON, so that runs under different versions
 * of Node can be compared: `node services/engine/testing/preset-bits.ts`.
 */
import { hash } from "node:crypto";
import type { Backend, Words } from "../backend.ts";
import type { Program } from "../ir/types.ts";
import { referenceBackend } from "../reference/backend.ts";
import { createWasmBackend } from "../wasm/backend.ts";
import { columnsOf, PRESETS } from "./presets.ts";

export interface PresetBits {
  /** Of the Node that ran this. */
  readonly version: string;
  /** Preset, then back end (threads in its name), to the hash of its final state and metrics. */
  readonly hashes: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

const BACK_ENDS: readonly Backend[] = [
  referenceBackend,
  ...[1, 2, 4].map((threads) => createWasmBackend({ lanes: "narrow", threads })),
  createWasmBackend({ lanes: "wide" }),
];

const hashOf = (tensors: readonly Words[]): string =>
  hash(
    "sha256",
    Buffer.concat(
      tensors.map((words) => new Uint8Array(words.buffer, words.byteOffset, words.byteLength)),
    ),
  );

const trained = async (backend: Backend, program: Program): Promise<string> => {
  const inputs = { data: columnsOf(program), parent: [], seed: 3n };
  const execution = await backend.prepare(program, inputs);
  execution.init();
  execution.run(program.steps);
  const bits = hashOf([...execution.state(), ...execution.evaluate()]);
  execution.close();
  return bits;
};

const bitsOf = async (program: Program): Promise<Record<string, string>> => {
  const found: Record<string, string> = {};
  for (const backend of BACK_ENDS) found[backend.name] = await trained(backend, program);
  return found;
};

const hashes: Record<string, Record<string, string>> = {};
for (const [name, program] of Object.entries(PRESETS)) hashes[name] = await bitsOf(program);
const bits: PresetBits = { version: process.version, hashes };
process.stdout.write(`${JSON.stringify(bits)}\n`);
