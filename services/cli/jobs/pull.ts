/** Fetches a model by content hash and checks that it is the one the chain names. */
import { createWriteStream, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import pc from "picocolors";
import type { Hex } from "viem";
import { tensorListRoot } from "@assay/engine/data/dataset";
import { decodeSafetensors, type TensorLayout } from "@assay/engine/data/safetensors";
import { readLayout } from "@assay/engine/data/stream";
import { nodeHasher } from "@assay/engine/trace/hasher";
import { parametersOf } from "@assay/engine/trace/state-file";
import { AssayError, isAssayError } from "@assay/protocol/errors";
import type { ChainJob } from "@assay/sdk/actions/job-from-chain";
import { cidOfDigest } from "@assay/storage/cid";
import type { ContentStore } from "@assay/storage/content";
import type { Session } from "../home/session.ts";
import { readModel } from "../jobfile/prepare.ts";
import { formatCount, shortHex } from "../terminal/format.ts";
import { modelCard } from "./model-card.ts";

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

/** Licence and columns as the data file says; undefined where no store has it any more. */
const describedData = async (
  content: ContentStore,
  { dataCid }: ChainJob,
): Promise<TensorLayout | undefined> => {
  try {
    return await readLayout(content.getFile(cidOfDigest(dataCid)));
  } catch (error) {
    if (isAssayError(error)) return undefined;
    throw error;
  }
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
  const file = decodeSafetensors(readFileSync(modelFile));
  const model = { tensors: parametersOf(file), metadata: file.metadata };
  const data = await describedData(content, chain);
  writeFileSync(cardFile, modelCard({ modelRoot, model, data, chain }));
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
