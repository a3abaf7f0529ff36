// The MLP step of engine.ts in tfjs-wasm, one thread. Argument: the folder that its packages are installed in.
// Answers each line on standard input, the name of a piece of work, with the milliseconds of processor time of one call.
import { createRequire } from "node:module";
import { join } from "node:path";
import { createInterface } from "node:readline";

const load = createRequire(join(process.argv[2] ?? ".", "package.json"));
const tf = load("@tensorflow/tfjs-core");
const { setThreadsCount } = load("@tensorflow/tfjs-backend-wasm");

const [ROWS, BATCH, INPUTS, HIDDEN, CLASSES, RATE] = [4096, 64, 784, 256, 10, 0.05];
/** Milliseconds of one measurement. */
const ROUND_MS = 150;

setThreadsCount(1);
await tf.setBackend("wasm");
const images = tf.randomUniform([ROWS, INPUTS]);
const picks = tf.randomUniform([ROWS], 0, CLASSES, "int32");
const classes = tf.cast(tf.oneHot(picks, CLASSES), "float32");
const w1 = tf.variable(tf.randomNormal([INPUTS, HIDDEN], 0, 0.05));
const w2 = tf.variable(tf.randomNormal([HIDDEN, CLASSES], 0, 0.06));
const b1 = tf.variable(tf.zeros([HIDDEN]));
const b2 = tf.variable(tf.zeros([CLASSES]));

const step = () =>
  tf.tidy(() => {
    const picked = Int32Array.from({ length: BATCH }, () => Math.floor(Math.random() * ROWS));
    const rows = tf.tensor1d(picked, "int32");
    const x = tf.gather(images, rows);
    const y = tf.gather(classes, rows);
    const h = tf.relu(tf.add(tf.matMul(x, w1), b1));
    const d = tf.div(tf.sub(tf.softmax(tf.add(tf.matMul(h, w2), b2)), y), BATCH);
    const dh = tf.mul(tf.matMul(d, w2, false, true), tf.step(h));
    w2.assign(tf.sub(w2, tf.mul(tf.matMul(h, d, true), RATE)));
    b2.assign(tf.sub(b2, tf.mul(tf.sum(d, 0), RATE)));
    w1.assign(tf.sub(w1, tf.mul(tf.matMul(x, dh, true), RATE)));
    b1.assign(tf.sub(b1, tf.mul(tf.sum(dh, 0), RATE)));
  });

const work = { "MLP step": step };
const timed = (run, count) => {
  const begun = process.cpuUsage();
  for (let i = 0; i < count; i++) run();
  const { user, system } = process.cpuUsage(begun);
  return (user + system) / 1000 / count;
};
const counts = {};
for (const [name, run] of Object.entries(work)) {
  timed(run, 20);
  counts[name] = Math.max(1, Math.round(ROUND_MS / timed(run, 5)));
}
console.log(JSON.stringify(Object.keys(work)));
for await (const name of createInterface({ input: process.stdin }))
  console.log(timed(work[name], counts[name]));
