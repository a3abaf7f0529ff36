/** Money and content for a request, then the request itself. */
import pc from "picocolors";
import { AssayError, isAssayError } from "@assay/protocol/errors";
import type { PostedJob, PostJobParameters } from "@assay/sdk/actions/post-job";
import { digestOf } from "@assay/storage/cid";
import type { Session } from "../home/session.ts";
import { dataBytes, type PreparedJob } from "../jobfile/prepare.ts";
import { formatAmount, shortHex, type Token } from "../terminal/format.ts";

/** Brings the ledger balance up to `needed` from the wallet. @throws `BALANCE_TOO_LOW` */
export const fund = async (session: Session, needed: bigint, token: Token): Promise<void> => {
  const free = await session.assay.balance();
  if (free >= needed) return;
  const short = needed - free;
  const wallet = await session.assay.walletBalance();
  if (wallet < short) {
    throw new AssayError(
      "BALANCE_TOO_LOW",
      `${formatAmount(short, token)} are missing and the wallet holds ${formatAmount(wallet, token)}`,
      {
        remedy: `send ${token.symbol} to ${session.account().address}, or lower limits.maximum`,
        details: { free, wallet, needed },
      },
    );
  }
  const { hash, receipt } = await session.assay.deposit(short);
  session.output.good(
    `deposited ${formatAmount(short, token)}${pc.dim(`  tx ${shortHex(hash)}, ${receipt.gasUsed.toLocaleString("en")} gas`)}`,
  );
};

/** Puts program and data where providers can fetch them. */
export const upload = async (
  session: Session,
  prepared: PreparedJob,
): Promise<{ programCid: `0x${string}`; dataCid: `0x${string}` }> => {
  const content = await session.content();
  const program = await content.putFile(prepared.programFile);
  const data = await content.putFile(dataBytes(prepared.dataFile));
  session.output.good(`program ${program.toString()}`);
  session.output.good(`data    ${data.toString()}`);
  return { programCid: digestOf(program), dataCid: digestOf(data) };
};

/** Which record of the chain a parent model is: the latest. @throws `PARENT_UNKNOWN` */
export const parentOf = async (
  session: Session,
  { parent }: PreparedJob,
): Promise<Pick<PostJobParameters, "parentRoot" | "parentIndex">> => {
  if (parent === undefined) return {};
  const records = await session.reader.provenance(parent.root);
  if (records.length > 0) return { parentRoot: parent.root, parentIndex: records.length - 1 };
  throw new AssayError("PARENT_UNKNOWN", "the chain knows no job that made the parent model", {
    remedy: "start from a model that a settled job of this market produced",
    details: { modelRoot: parent.root },
  });
};

/** Tries when other commands of the same requester post at the same time. */
const MOST_TRIES = 5;

/** Posts by `post`; where open requests of this requester claim the balance already, deposits what is missing and tries again. */
export const whileFunding = async <T>(
  session: Session,
  token: Token,
  post: () => Promise<T>,
): Promise<T> => {
  for (let tries = 1; ; tries++) {
    try {
      return await post();
    } catch (error) {
      if (tries === MOST_TRIES || !isAssayError(error, "ESCROW_MISSING")) throw error;
      await fund(session, BigInt(String(error.details["needed"])), token);
    }
  }
};

/** Posts the job, deposits what is missing. */
export const postFunded = (
  session: Session,
  token: Token,
  job: PostJobParameters,
): Promise<PostedJob> => whileFunding(session, token, () => session.assay.postJob(job));
