/** Takes in requests: everything that the contract would refuse later is refused now, with a remedy. Idempotent by digest. */
import { formatAmount, type Token } from "@assay/protocol/domain/amount";
import { AssayError } from "@assay/protocol/errors";
import { totalUnits } from "@assay/protocol/domain/money";
import type { Request } from "@assay/protocol/domain/messages";
import { digestOf, type MarketDomain } from "@assay/protocol/signing/typed-data";
import type { SignedRequest } from "@assay/protocol/wire/api";
import { canonicalHash } from "@assay/protocol/wire/description";
import { toWire } from "@assay/protocol/wire/scalars";
import type { BlockStore } from "@assay/storage/blocks";
import { cidOfDigest } from "@assay/storage/cid";
import { zeroAddress, zeroHash, type Address, type Hex } from "viem";
import { tell } from "../bus.ts";
import type { ChainReads } from "../chain.ts";
import type { SqlDatabase } from "../database/sql.ts";
import type { TaskQueues } from "../queue/queues.ts";
import { requireSigned } from "../signatures.ts";

export type Domain = MarketDomain;

export interface RequestIntakeOptions {
  readonly sql: SqlDatabase;
  readonly chain: ChainReads;
  readonly queues: TaskQueues;
  readonly blocks: BlockStore;
  readonly domain: Domain;
  /** Amounts are told in this token. */
  readonly token: Token;
  /** Account of the matcher that this market runs; undefined where it runs none. */
  readonly matcher?: Address | undefined;
}

export interface RequestIntake {
  /** Digest of the request, stored and queued. Throws `REQUEST_*`, `SIGNATURE_INVALID`, `ESCROW_MISSING`. */
  take(signed: SignedRequest): Promise<Hex>;
}

const NUMERICS = 1;
const MAX_REPLICAS = 16;
/** Longest time that a request may stand here. */
const MAX_LIFE = 30 * 86_400;

const wrong = (code: string, message: string, remedy: string, details = {}): AssayError =>
  new AssayError(code, message, { remedy, details });

const unsupported = (field: string, rule: string): AssayError =>
  wrong("REQUEST_UNSUPPORTED", `${field} ${rule}.`, `Sign a request whose ${field} is right.`, {
    field,
  });

/** The market contract's own rules of form. */
const checkForm = (request: Request, now: number): void => {
  if (request.numerics !== NUMERICS) throw unsupported("numerics", `must be ${NUMERICS}`);
  if (request.executor !== 0)
    throw unsupported("executor", "must be 0: only tensor programs run today");
  if (request.access !== 0) throw unsupported("access", "must be 0: all jobs are public today");
  if (request.replicas === 0 || request.replicas > MAX_REPLICAS)
    throw unsupported("replicas", `must be 1 to ${MAX_REPLICAS}`);
  if (request.steps <= request.startStep) throw unsupported("steps", "must be above startStep");
  if (request.interval === 0) throw unsupported("interval", "must be above 0");
  if (request.runTime === 0) throw unsupported("runTime", "must be above 0");
  if (request.startRoot === zeroHash && request.startStep !== 0)
    throw unsupported("startStep", "must be 0 where there is no startRoot");
  if (request.startRoot !== zeroHash && request.parentRoot === zeroHash)
    throw unsupported("parentRoot", "must name the artifact that startRoot belongs to");
  if (totalUnits(request) === 0n) throw unsupported("stepUnits", "must make at least one unit");
  if (request.expiry <= now)
    throw wrong("REQUEST_EXPIRED", "The request has expired.", "Sign one with a later expiry.");
  if (request.expiry > now + MAX_LIFE)
    throw unsupported("expiry", `must be within ${MAX_LIFE / 86_400} days`);
};

export const requestIntake = (options: RequestIntakeOptions): RequestIntake => {
  const { sql, chain, queues, blocks, domain, matcher, token } = options;

  const checkCarrier = (request: Request, now: number): void => {
    const { matcher: named, exclusiveUntil } = request;
    if (named !== zeroAddress && named !== matcher && exclusiveUntil >= now)
      throw wrong(
        "REQUEST_EXCLUSIVE",
        `Until ${exclusiveUntil} only ${named} may carry this request.`,
        "Hand it to that matcher, or sign one without an exclusive time.",
      );
  };

  const checkFees = async ({ maxProtocolFeeBps }: Request): Promise<void> => {
    const { protocolFeeBps } = await chain.rates();
    if (protocolFeeBps > maxProtocolFeeBps)
      throw wrong(
        "REQUEST_FEE_CAP_TOO_LOW",
        `The protocol fee is ${protocolFeeBps} basis points, above the ${maxProtocolFeeBps} signed.`,
        `Sign maxProtocolFeeBps of at least ${protocolFeeBps}.`,
      );
  };

  /** Of plain requests that share a nonce the contract takes only one. */
  const checkPlace = async (request: Request): Promise<void> => {
    const { requester, nonce, replicas } = request;
    const [rival] = await sql.query(
      `SELECT digest FROM market_request WHERE requester = $1 AND signed->'request'->>'nonce' = $2
       AND state IN ('open', 'proposed', 'accepted') LIMIT 1`,
      [requester, nonce.toString()],
    );
    if (rival || (await chain.placesTaken(request)) >= replicas)
      throw wrong(
        "REQUEST_NONCE_USED",
        `Another request with nonce ${nonce} stands here, or is agreed already.`,
        "Sign the request with a nonce of its own: counting up by one is cheapest.",
        { nonce },
      );
  };

  const checkEscrow = async ({ requester, maximum, replicas }: Request): Promise<void> => {
    const [row] = await sql.query<{ reserved: string }>(
      `SELECT coalesce(sum(maximum), 0)::text AS reserved FROM market_request
       WHERE requester = $1 AND state IN ('open', 'proposed', 'accepted')`,
      [requester],
    );
    const reserved = BigInt(row?.reserved ?? 0);
    const needed = reserved + maximum * BigInt(replicas);
    const available = await chain.freeBalance(requester);
    if (available < needed)
      throw wrong(
        "ESCROW_MISSING",
        `${requester} has ${formatAmount(available, token)} free on the ledger, and its open requests with this one can cost ${formatAmount(needed, token)}.`,
        `Deposit at least ${formatAmount(needed - available, token)} more, or lower the maximum.`,
        { available, needed },
      );
  };

  const checkContent = async (request: Request): Promise<void> => {
    for (const field of ["programCid", "dataCid"] as const) {
      const cid = cidOfDigest(request[field]);
      if (!(await blocks.has(cid)))
        throw wrong(
          "REQUEST_CONTENT_MISSING",
          `${field} ${cid.toString()} is not in this market's content store.`,
          `Upload it with PUT /ipfs/${cid.toString()} first; the SDK does so by itself.`,
          { field, cid: cid.toString() },
        );
    }
  };

  /** Keyed: adding again what waits or runs changes nothing. */
  const addTasks = async (digest: Hex, expiry: number): Promise<void> => {
    const delay = (expiry + 1) * 1_000 - Date.now();
    await queues.add("requestDue", digest, { requestDigest: digest }, { delay });
    await queues.add("intake", digest, { requestDigest: digest });
  };

  return {
    async take(signed) {
      const { request, constraints, signature } = signed;
      const digest = digestOf(domain, "Request", request);
      const [known] = await sql.query<{ state: string }>(
        "SELECT state FROM market_request WHERE digest = $1",
        [digest],
      );
      if (known) {
        // The tasks of the first time may be lost.
        if (known.state === "open") await addTasks(digest, request.expiry);
        return digest;
      }
      const now = Math.floor(Date.now() / 1_000);
      checkForm(request, now);
      checkCarrier(request, now);
      if (canonicalHash(constraints) !== request.constraintsHash)
        throw wrong(
          "REQUEST_CONSTRAINTS_MISMATCH",
          "The constraints are not those that were signed.",
          "Sign canonicalHash(constraints) as constraintsHash, and send the same constraints.",
        );
      await requireSigned(chain, request.requester, digest, signature);
      await checkFees(request);
      if (await chain.isCancelled(request))
        throw wrong(
          "REQUEST_CANCELLED",
          "The request was cancelled on the chain.",
          "Sign one with another nonce.",
        );
      await checkPlace(request);
      await checkContent(request);
      await checkEscrow(request);
      await sql.transaction(async (run) => {
        await run.query(
          `INSERT INTO market_request (digest, requester, signed, state, explanation, maximum, expiry, updated_at)
           VALUES ($1, $2, $3::jsonb, 'open', 'Taken in; looking for a provider.', $4, $5, now() AT TIME ZONE 'utc')
           ON CONFLICT DO NOTHING`,
          [
            digest,
            request.requester,
            JSON.stringify(toWire(signed)),
            (request.maximum * BigInt(request.replicas)).toString(),
            request.expiry,
          ],
        );
        await tell(run, "request", { digest });
      });
      await addTasks(digest, request.expiry);
      return digest;
    },
  };
};
