/** Fetches what a job was made from and checks it against the roots on chain. */
import type { Inputs } from "@assay/engine/backend";
import { selectTensors, tensorListRoot } from "@assay/engine/data/dataset";
import { decodeSafetensors } from "@assay/engine/data/safetensors";
import { checkProgram } from "@assay/engine/ir/check";
import { parseProgram } from "@assay/engine/ir/json";
import { programRoot } from "@assay/engine/ir/root";
import type { Program } from "@assay/engine/ir/types";
import { nodeHasher } from "@assay/engine/trace/hasher";
import type { ChainJob } from "@assay/sdk/actions/job-from-chain";
import { cidOfDigest } from "@assay/storage/cid";
import { readAll, type ContentStore } from "@assay/storage/content";

export interface JobInputs {
  readonly program: Program;
  readonly inputs: Inputs;
  /** Recomputed from what was fetched. */
  readonly programRoot: string;
  readonly dataRoot: string;
}

/** Program and data of a job, with their roots as they really are. @throws `CONTENT_…`, `ENGINE_…` */
export const fetchInputs = async (
  content: ContentStore,
  { job, programCid, dataCid }: ChainJob,
): Promise<JobInputs> => {
  const text = new TextDecoder().decode(await readAll(content, cidOfDigest(programCid)));
  const program = parseProgram(text);
  checkProgram(program);
  const { tensors } = decodeSafetensors(await readAll(content, cidOfDigest(dataCid)));
  const columns = selectTensors(tensors, program.data);
  return {
    program,
    inputs: { data: columns.map(({ words }) => words), parent: [], seed: job.terms.seed },
    programRoot: programRoot(nodeHasher, program),
    dataRoot: tensorListRoot(nodeHasher, columns),
  };
};
