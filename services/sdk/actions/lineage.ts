import type { Hex } from "viem";
import { ASSURANCES } from "@assay/protocol/domain/states";
import { provenanceAbi } from "@assay/protocol/generated/abis";
import { read } from "../chain/read.ts";
import type { AssayContext } from "../context.ts";
import type { ProvenanceRecord } from "./provenance.ts";

export interface Ancestor {
  readonly root: Hex;
  readonly record: ProvenanceRecord;
}

const MOST = 64;

/** A record of an artifact and those it was made from, youngest first, at most `depth`. @throws `PROVENANCE_NO_RECORD` */
export const lineage = async (
  context: AssayContext,
  artifactRoot: Hex,
  index: number,
  depth = MOST,
): Promise<Ancestor[]> => {
  const { contracts } = await context.deployment();
  const [roots, records] = await read(context, {
    address: contracts.provenance,
    abi: provenanceAbi,
    functionName: "lineageOf",
    args: [artifactRoot, BigInt(index), BigInt(depth)],
  });
  return records.map((record, at) => ({
    root: roots[at] ?? artifactRoot,
    record: { ...record, assurance: ASSURANCES[record.assurance] ?? "unverified" },
  }));
};
