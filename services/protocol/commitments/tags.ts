/** First byte of every hashed message: no message of one kind can pass for one of another. */
export const TAG = {
  chunk: 0x00,
  node: 0x01,
  tensor: 0x02,
  program: 0x03,
  op: 0x04,
  trace: 0x05,
  /** Levels inside an interval, see `levelRoot`: states of the steps, outputs of the ops, accumulators of a fold. */
  steps: 0x06,
  ops: 0x07,
  terms: 0x08,
} as const;
