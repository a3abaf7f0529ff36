/** Fetches a model by content hash and checks that it is the one the chain names. */
import { createWriteStream, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import pc from "picocolors";
import type { Hex } from "viem";
import { tensorListRoot } from "@assay/engine/data/dataset";
import { nodeHasher } from "@assay/engine/trace/hasher";
import { AssayError } from "@assay/protocol/errors";
import type { ChainJob } from "@assay/sdk/actions/job-from-chain";
import { cidOfDigest } from "@assay/storage/cid";
import type { Session } from "../home/session.ts";
import { readModel } from "../jobfile/prepare.ts";
import { formatCount, shortHex } from "../terminal/format.ts";

export interface PulledModel {
  readonly modelFile: string;
  readonly cardFile: string;
  readonly provenanceFile: string;
  readonly modelRoot: Hex;
}

/**
 * Root of a model file: the tree over its parameters in file order, which is the program's. A job that was handed over left its
 * whole state, of which the model is a part.
 */
export const modelRootOfFile = (file: string): Hex => tensorListRoot(nodeHasher, readModel(file));

const card = (chain: ChainJob, modelRoot: Hex): string => {
  const { terms, progress } = chain.job;
  return `# Model ${modelRoot}

Trained by job ${terms.jobId} on the Assay market.

| | |
|---|---|
| program | ${terms.programRoot} |
| data set | ${terms.dataRoot} |
| parent | ${/^0x0*$/.test(terms.parentRoot) ? "none, trained from scratch" : terms.parentRoot} |
| seed | ${terms.seed} |
| steps | ${Math.min(terms.startStep + progress.checkpoint * terms.interval, terms.steps)} of ${terms.steps} |
| numerics | version ${terms.numerics}: IEEE-754 binary32 in a fixed order, the same bits on every machine |
| provider | ${terms.provider} |
| assurance | ${chain.settlement?.assurance ?? "not settled yet"} |
| trace | ${progress.traceRoot} |

Check it: \`assay verify model.safetensors --rerun\`
`;
};

/** Fetches the model of a job into `folder`. @throws `MODEL_NOT_SUBMITTED`, `MODEL_MISMATCH`, `CONTENT_…` */
export const pullModel = async (
  session: Session,
  jobId: Hex,
  folder: string,
  source?: string,
): Promise<PulledModel> => {
  const chain = await session.reader.jobFromChain(jobId);
  if (chain.modelCid === undefined) {
    throw new AssayError(
      "MODEL_NOT_SUBMITTED",
      `job ${shortHex(jobId)} is ${chain.state}: it has no model yet`,
      {
        retryable: true,
        remedy: `wait for it: assay jobs watch ${jobId}`,
      },
    );
  }
  mkdirSync(folder, { recursive: true });
  const modelFile = join(folder, "model.safetensors");
  const partial = `${modelFile}.part`;
  const content = await session.content(source);
  const cid = cidOfDigest(chain.modelCid);
  await pipeline(Readable.from(content.getFile(cid)), createWriteStream(partial));
  const modelRoot = modelRootOfFile(partial);
  const expected = chain.job.progress.modelRoot;
  if (modelRoot !== expected) {
    throw new AssayError(
      "MODEL_MISMATCH",
      `the file fetched has root ${modelRoot}, the chain says ${expected}`,
      {
        remedy:
          "the provider published another file than it committed to: run `assay verify` from a trustworthy source",
        details: { expected, modelRoot },
      },
    );
  }
  renameSync(partial, modelFile);
  const cardFile = join(folder, "MODEL.md");
  const provenanceFile = join(folder, "provenance.json");
  const records = await session.reader.provenance(modelRoot);
  writeFileSync(cardFile, card(chain, modelRoot));
  const bundle = { modelRoot, chain, records };
  writeFileSync(
    provenanceFile,
    `${JSON.stringify(bundle, (_key, field: unknown) => (typeof field === "bigint" ? field.toString() : field), 2)}\n`,
  );
  session.output.good(`fetched ${cid.toString()}`);
  session.output.good(
    `${modelFile}: ${formatCount(readFileSync(modelFile).length)}B, root ${shortHex(modelRoot)} as the chain says`,
  );
  session.output.line(pc.dim(`with ${cardFile} and ${provenanceFile}`));
  return { modelFile, cardFile, provenanceFile, modelRoot };
};
