/** Where a model came from, read from the chain alone. */
import type { Hex } from "viem";
import { ASSURANCES, type Assurance } from "@assay/protocol/domain/states";
import { provenanceAbi } from "@assay/protocol/generated/abis";
import { read } from "../chain/read.ts";
import type { AssayContext } from "../context.ts";

const readRecords = async (context: AssayContext, artifactRoot: Hex) => {
  const { contracts } = await context.deployment();
  return read(context, {
    address: contracts.provenance,
    abi: provenanceAbi,
    functionName: "provenanceOf",
    args: [artifactRoot],
  });
};

type ChainRecord = Awaited<ReturnType<typeof readRecords>>[number];

/** One record behind an artifact; `contracts/types/ProvenanceRecord.sol`. */
export type ProvenanceRecord = Omit<ChainRecord, "assurance"> & { readonly assurance: Assurance };

/** Every record of an artifact, oldest first; empty if the chain knows none. */
export const provenance = async (
  context: AssayContext,
  artifactRoot: Hex,
): Promise<ProvenanceRecord[]> =>
  (await readRecords(context, artifactRoot)).map((record) => ({
    ...record,
    assurance: ASSURANCES[record.assurance] ?? "unverified",
  }));
