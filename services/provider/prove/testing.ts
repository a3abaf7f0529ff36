/** Games at chosen places, for tests. */
import {
  LEVELS,
  PHASES,
  type Bindings,
  type LevelName,
  type PhaseName,
  type Position,
} from "@assay/protocol/domain/disputes";
import { NO_CHILDREN, type Game } from "@assay/sdk/disputes/game";
import { zeroAddress, zeroHash } from "viem";

/** A game about `C_0 … C_2` whose clocks of 60 and 90 seconds began to run at 1,000. */
export const gameAt = (
  level: LevelName,
  phase: PhaseName,
  change: Partial<Omit<Game, "position">> & { readonly position?: Partial<Position> } = {},
): Game => {
  const { position, ...rest } = change;
  const base: Position = {
    jobId: zeroHash,
    provider: zeroAddress,
    bindings: zeroHash,
    phase: PHASES.indexOf(phase),
    level: LEVELS.indexOf(level),
    node: zeroHash,
    count: 2,
    index: 0,
    height: 1,
    last: zeroHash,
    shown: zeroHash,
    checkpoint: 0,
    step: 0,
    stepsRest: zeroHash,
    list: 0,
    lastOp: 0,
    opsRest: zeroHash,
    op: 0,
    opHash: zeroHash,
    dtype: 0,
    operands: 0,
    terms: 0,
    size: 0,
    element: 0,
    term: 0,
    bits: 0,
    accumulatorKnown: false,
    accumulator: 0,
    termsRoot: zeroHash,
    claim: 0,
  };
  const bindings: Bindings = {
    initRoot: zeroHash,
    stepRoot: zeroHash,
    evalRoot: zeroHash,
    initOps: 1,
    stepOps: 1,
    evalOps: 0,
    stateTensors: 1,
    dataTensors: 0,
    parentTensors: 0,
    header: zeroHash,
    prefixRoot: zeroHash,
    stateRoot: zeroHash,
    checkpoints: 2,
    dataRoot: zeroHash,
    parentRoot: zeroHash,
    startRoot: zeroHash,
    seed: 0n,
    startStep: 0,
    steps: 4,
    interval: 2,
  };
  return {
    disputes: zeroAddress,
    gameId: 1n,
    jobId: zeroHash,
    provider: zeroAddress,
    challenger: zeroAddress,
    bond: 5n,
    bindings,
    position: { ...base, ...position },
    shown: {
      children: NO_CHILDREN,
      chunk: "0x",
      claims: { values: [0, 0, 0], rows: [0, 0, 0], accumulator: 0 },
    },
    clocks: { movedAt: 1_000, providerLeft: 60, challengerLeft: 90 },
    moves: [],
    end: undefined,
    ...rest,
  };
};
