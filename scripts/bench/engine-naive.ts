/** The plain loops that the engine is measured against: same work, same rounding, nothing clever. */

const noise = (count: number, scale: number): Float32Array =>
  Float32Array.from({ length: count }, (_, i) => scale * Math.sin(i * 78.233));

/** `out[i][j] = Σ left[i·li + k·lk] · right[k·rk + j·rj]`, rounded after each operation. */
const product = (
  out: Float32Array,
  left: { readonly of: Float32Array; readonly row: number; readonly term: number },
  right: { readonly of: Float32Array; readonly term: number; readonly column: number },
  [rows, columns, terms]: readonly [number, number, number],
): void => {
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      let sum = 0;
      for (let k = 0; k < terms; k++) {
        const x = left.of[i * left.row + k * left.term] ?? 0;
        const y = right.of[k * right.term + j * right.column] ?? 0;
        sum = Math.fround(sum + Math.fround(x * y));
      }
      out[i * columns + j] = sum;
    }
  }
};

/** A call that multiplies two n × n matrices. */
export const naiveMatmul = (n: number): (() => void) => {
  const [a, b, out] = [noise(n * n, 1), noise(n * n, 1), new Float32Array(n * n)];
  return () => product(out, { of: a, row: n, term: 1 }, { of: b, term: n, column: 1 }, [n, n, n]);
};

/** A call that takes one training step of an MLP 784-256-10: ReLU, cross-entropy, plain gradient descent. */
export const naiveMlpStep = (batch: number): (() => void) => {
  const [inputs, hidden, classes, rate] = [784, 256, 10, 0.05];
  const x = noise(batch * inputs, 1);
  const w1 = noise(inputs * hidden, 0.05);
  const w2 = noise(hidden * classes, 0.06);
  const [b1, b2] = [new Float32Array(hidden), new Float32Array(classes)];
  const [h, dh] = [new Float32Array(batch * hidden), new Float32Array(batch * hidden)];
  const d = new Float32Array(batch * classes);
  const [dw1, dw2] = [new Float32Array(inputs * hidden), new Float32Array(hidden * classes)];
  const descend = (weights: Float32Array, gradient: Float32Array): void => {
    for (let i = 0; i < weights.length; i++)
      weights[i] = (weights[i] ?? 0) - rate * (gradient[i] ?? 0);
  };
  const columnSums = (of: Float32Array, width: number): Float32Array => {
    const sums = new Float32Array(width);
    for (let i = 0; i < of.length; i++) sums[i % width] = (sums[i % width] ?? 0) + (of[i] ?? 0);
    return sums;
  };
  return () => {
    product(h, { of: x, row: inputs, term: 1 }, { of: w1, term: hidden, column: 1 }, [
      batch,
      hidden,
      inputs,
    ]);
    for (let i = 0; i < h.length; i++) h[i] = Math.max(0, (h[i] ?? 0) + (b1[i % hidden] ?? 0));
    product(d, { of: h, row: hidden, term: 1 }, { of: w2, term: classes, column: 1 }, [
      batch,
      classes,
      hidden,
    ]);
    for (let row = 0; row < batch; row++) {
      const scores = d.subarray(row * classes, (row + 1) * classes);
      for (let c = 0; c < classes; c++) scores[c] = Math.exp((scores[c] ?? 0) + (b2[c] ?? 0));
      const total = scores.reduce((sum, score) => sum + score, 0);
      for (let c = 0; c < classes; c++) {
        scores[c] = ((scores[c] ?? 0) / total - (c === row % classes ? 1 : 0)) / batch;
      }
    }
    product(dh, { of: d, row: classes, term: 1 }, { of: w2, term: 1, column: classes }, [
      batch,
      hidden,
      classes,
    ]);
    for (let i = 0; i < dh.length; i++) if ((h[i] ?? 0) <= 0) dh[i] = 0;
    product(dw2, { of: h, row: 1, term: hidden }, { of: d, term: classes, column: 1 }, [
      hidden,
      classes,
      batch,
    ]);
    product(dw1, { of: x, row: 1, term: inputs }, { of: dh, term: hidden, column: 1 }, [
      inputs,
      hidden,
      batch,
    ]);
    descend(w2, dw2);
    descend(b2, columnSums(d, classes));
    descend(w1, dw1);
    descend(b1, columnSums(dh, hidden));
  };
};
