/**
 * Hard limits of a program, enforced alike by the checker here and by the referee contract. A program beyond them
 * can never be disputed to the end within one block's gas, so the job is Void.
 */
export const LIMITS = {
  rank: 4,
  operands: 3,
  guards: 4,
  /** Ops in one list. */
  ops: 4096,
  stateTensors: 1024,
  dataTensors: 64,
  outputs: 64,
  /** Bytes of one op's encoding. */
  opBytes: 1024,
  /** Elements of one tensor that a run holds in memory. */
  elements: 2 ** 28,
  /** Elements of one column of the data set, which may stay in a file: flat addresses stay inside an i32. */
  dataElements: 2 ** 31 - 1,
  /** Terms of one fold. */
  foldTerms: 2 ** 24,
  steps: 2 ** 31 - 1,
  /** Checkpoints of one run. */
  checkpoints: 2 ** 20,
  /** Work units of one interval: what a checker must be able to run again within one clock. */
  intervalUnits: 2 ** 50,
  /** Bytes of all state tensors together. */
  stateBytes: 2 ** 34,
} as const;
