/** A job as the interface shows it: chain rows, the transactions behind it, and the agent's last report. */
import { ASSURANCES, FINAL_STATES, type JobState } from "@assay/protocol/domain/states";
import type { Progress, Terms } from "@assay/protocol/domain/messages";
import { jobViewSchema, type JobView } from "@assay/protocol/wire/api";
import type { Wire } from "@assay/protocol/wire/scalars";
import { zeroHash } from "viem";
import type { PrismaClient } from "../../database/generated/client.ts";

type JobRow = NonNullable<Awaited<ReturnType<PrismaClient["chainJob"]["findUnique"]>>>;

export const isFinal = (state: string): boolean => FINAL_STATES.has(state as JobState);

const orNull = (root: string): string | null => (root === zeroHash ? null : root);

/** Views of these rows, in their order; a few more queries for all of them together. */
export const jobViews = async (
  prisma: PrismaClient,
  rows: readonly JobRow[],
): Promise<JobView[]> => {
  const ids = rows.map(({ id }) => id);
  const [events, reports, receipts, proposals] = await Promise.all([
    prisma.chainEvent.findMany({
      where: { jobId: { in: ids }, contract: "market" },
      orderBy: [{ block: "asc" }, { logIndex: "asc" }],
      select: { jobId: true, name: true, transaction: true, block: true },
    }),
    prisma.apiReport.findMany({ where: { jobId: { in: ids } } }),
    prisma.marketReceipt.findMany({
      where: { jobId: { in: ids } },
      select: { jobId: true, checkpoint: true },
    }),
    prisma.marketProposal.findMany({
      where: { jobId: { in: ids } },
      select: { jobId: true, offerDigest: true },
    }),
  ]);
  const offers = await prisma.marketOffer.findMany({
    where: { digest: { in: [...new Set(proposals.map(({ offerDigest }) => offerDigest))] } },
    select: { digest: true, signed: true },
  });
  const nameOf = new Map(
    proposals.map(({ jobId, offerDigest }) => {
      const signed = offers.find(({ digest }) => digest === offerDigest)?.signed as
        { description?: { name?: string } } | undefined;
      return [jobId, signed?.description?.name ?? null];
    }),
  );
  const receiptOf = new Map(receipts.map(({ jobId, checkpoint }) => [jobId, checkpoint]));
  const gas = await prisma.chainTransaction.findMany({
    where: { hash: { in: [...new Set(events.map(({ transaction }) => transaction))] } },
    select: { hash: true, gasUsed: true },
  });
  const gasOf = new Map(gas.map(({ hash, gasUsed }) => [hash, Number(gasUsed)]));
  const reportOf = new Map(reports.map(({ jobId, report }) => [jobId, report]));
  return rows.map((row) => {
    const terms = row.terms as unknown as Wire<Terms>;
    const progress = row.progress as unknown as Wire<Progress>;
    const submitted = progress.submittedAt !== 0;
    return jobViewSchema.parse({
      id: row.id,
      state: row.state,
      requestDigest: row.requestDigest,
      requester: row.requester,
      provider: row.provider,
      providerName: nameOf.get(row.id) ?? null,
      programRoot: terms.programRoot,
      dataRoot: terms.dataRoot,
      programCid: row.programCid,
      dataCid: row.dataCid,
      startRoot: orNull(terms.startRoot),
      parentRoot: orNull(terms.parentRoot),
      seed: terms.seed,
      steps: terms.steps,
      startStep: terms.startStep,
      interval: terms.interval,
      replicas: terms.replicas,
      checkpoint: progress.checkpoint,
      receipt: receiptOf.get(row.id) ?? 0,
      price: terms.price,
      protocolFee: terms.protocolFee,
      matcherFee: terms.matcherFee,
      auditLine: terms.auditLine,
      collateral: terms.collateral,
      agreedAt: terms.agreedAt,
      deadline: terms.deadline,
      stoppedAt: progress.stoppedAt === 0 ? null : progress.stoppedAt,
      submittedAt: submitted ? progress.submittedAt : null,
      windowEnd: submitted ? progress.windowEnd : null,
      settledAt: row.state === "settled" ? Number(row.endedAt) : null,
      traceRoot: orNull(progress.traceRoot),
      modelRoot: orNull(progress.modelRoot),
      evalRoot: orNull(progress.evalRoot),
      modelCid: row.modelCid === null ? null : orNull(row.modelCid),
      paid: row.paid?.toFixed(0) ?? null,
      refunded: row.refunded?.toFixed(0) ?? null,
      assurance: ASSURANCES.find((assurance) => assurance === row.assurance) ?? null,
      transactions: events
        .filter(({ jobId }) => jobId === row.id)
        .map(({ name, transaction, block }) => ({
          event: name,
          hash: transaction,
          block,
          gasUsed: gasOf.get(transaction) ?? null,
        })),
      report: reportOf.get(row.id) ?? null,
    });
  });
};

export const jobView = async (prisma: PrismaClient, id: string): Promise<JobView | undefined> => {
  const row = await prisma.chainJob.findUnique({ where: { id } });
  if (row === null) return undefined;
  const [view] = await jobViews(prisma, [row]);
  return view;
};
