/** One of the threads behind {@link Team}: waits for a command, runs its part, waits again. */
import { parentPort, workerData } from "node:worker_threads";
import { CONTROL } from "./parallel.ts";
import { instantiate } from "./runtime.ts";
import { runList, type TeamMember } from "./team.ts";

const { module, memory, thread, control: at, seedLow, seedHigh } = workerData as TeamMember;
const exports = await instantiate(module, memory);
exports.seedLow.value = seedLow;
exports.seedHigh.value = seedHigh;
if (exports.thread !== undefined) exports.thread.value = thread;
const control = new Int32Array(memory.buffer, at, 16);
let done = Atomics.load(control, CONTROL.command);
parentPort?.postMessage("ready", []);
for (;;) {
  Atomics.wait(control, CONTROL.command, done);
  const command = Atomics.load(control, CONTROL.command);
  if (command === done) continue;
  done = command;
  const word = (index: number): number => Atomics.load(control, index);
  runList(exports, word(CONTROL.list), word(CONTROL.step), word(CONTROL.count));
}
