/** Sends the calls of `moves.ts` with the context's wallet. A program of many games uses a transaction sender instead. */
import type { Job } from "@assay/protocol/domain/messages";
import type { GameMove, ListRoots, TargetName } from "@assay/protocol/domain/disputes";
import { AssayError } from "@assay/protocol/errors";
import { disputesAbi, marketAbi } from "@assay/protocol/generated/abis";
import { parseEventLogs, type Hex } from "viem";
import { write, type Mined } from "../chain/write.ts";
import { addressOf, type AssayContext } from "../context.ts";
import type { Game } from "./game.ts";
import {
  challengeCall,
  compareCall,
  moveCall,
  timeoutCall,
  withdrawBondCall,
  type DisputeCall,
} from "./moves.ts";
import { paymentOf, type PaymentCall } from "./payment.ts";

/** @throws the contract's error (`DISPUTE_…`), `CHAIN_UNREACHABLE` */
const send = (context: AssayContext, call: DisputeCall): Promise<Mined> => write(context, call);

/** Lets the dispute game take bonds of up to `amount` out of the signer's free balance. */
export const allowBonds = async (
  context: AssayContext,
  disputes: Hex,
  amount: bigint,
): Promise<Mined> => {
  const { contracts } = await context.deployment();
  return write(context, {
    address: contracts.market,
    abi: marketAbi,
    functionName: "allowModule",
    args: [disputes, amount],
  });
};

/**
 * Sees to it that the dispute game can take `amount` from the signer: deposits what its free balance lacks and lets the game take it.
 * Returns what had to be sent. @throws `BALANCE_TOO_LOW`, `CHAIN_UNREACHABLE`
 */
export const bringPayment = async (
  context: AssayContext,
  disputes: Hex,
  amount: bigint,
): Promise<(Mined & { readonly name: PaymentCall["functionName"] })[]> => {
  const account = addressOf(context);
  const { missing, wallet, calls } = await paymentOf(context, { account, disputes, amount });
  if (wallet < missing)
    throw new AssayError("BALANCE_TOO_LOW", `${amount} are needed, ${missing} of it are missing`, {
      remedy: `send tokens to ${account}: it has ${wallet} base units in its wallet`,
      details: { amount, missing, wallet, account },
    });
  const sent = [];
  for (const call of calls) sent.push({ ...(await write(context, call)), name: call.functionName });
  return sent;
};

/** Opens a game; the bond must be allowed before (`allowBonds`). Returns its number. */
export const challenge = async (
  context: AssayContext,
  job: Job,
  prefixRoot: Hex,
  program: { readonly header: Hex; readonly lists: ListRoots },
  target: TargetName,
): Promise<Mined & { readonly gameId: bigint }> => {
  const mined = await send(context, challengeCall(job, prefixRoot, program, target));
  const [event] = parseEventLogs({
    abi: disputesAbi,
    eventName: "Challenged",
    logs: mined.receipt.logs,
  });
  if (event === undefined) throw new Error("a challenge that was mined tells its game");
  return { ...mined, gameId: event.args.gameId };
};

/** Makes a move in a game as it stands. */
export const play = (context: AssayContext, game: Game, move: GameMove): Promise<Mined> =>
  send(context, moveCall(game, move));

/** Ends a game whose side to move let its clock run out. */
export const timeout = (
  context: AssayContext,
  game: Game,
  late: Parameters<typeof timeoutCall>[1],
): Promise<Mined> => send(context, timeoutCall(game, late));

/** Ends a game about a root that the job's record fixes. */
export const compare = (context: AssayContext, game: Game, job: Job): Promise<Mined> =>
  send(context, compareCall(game, job));

/** Gives the bond of a game back whose job came to another end. */
export const withdrawBond = (context: AssayContext, game: Game): Promise<Mined> =>
  send(context, withdrawBondCall(game));
