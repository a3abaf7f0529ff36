/** What the market asks the contracts, with a short memory for what seldom changes. */
import {
  marketAbi,
  parametersAbi,
  provenanceAbi,
  stakingAbi,
} from "@assay/protocol/generated/abis";
import type { Request } from "@assay/protocol/domain/messages";
import {
  ASSURANCES,
  JOB_STATES,
  type Assurance,
  type JobState,
} from "@assay/protocol/domain/states";
import type { Deployment } from "@assay/protocol/wire/api";
import { isTransportError } from "@assay/protocol/chain/contract-errors";
import { encodeFunctionData, type Address, type Hex, type PublicClient } from "viem";
import type { Rates } from "./matcher/book/query.ts";

export interface ChainRates extends Rates {
  readonly version: number;
  readonly challengeWindow: number;
}

export interface ChainReads {
  /** Newest governed numbers, at most a few seconds old. */
  rates(): Promise<ChainRates>;
  freeBalance(account: Address): Promise<bigint>;
  isCancelled(request: Request): Promise<boolean>;
  /** Jobs of the request that are open or settled; a plain request's place is its nonce's. */
  placesTaken(request: Request): Promise<number>;
  stateOf(jobId: Hex): Promise<JobState>;
  isOperator(provider: Address, operator: Address): Promise<boolean>;
  /** Records behind an artifact, oldest first. */
  provenanceOf(root: Hex): Promise<ProvenanceRecord[]>;
  /** ERC-1271: whether the contract at `signer` takes the signature; false where there is no contract. */
  contractAccepts(signer: Address, digest: Hex, signature: Hex): Promise<boolean>;
}

export interface ProvenanceRecord {
  readonly jobId: Hex;
  readonly assurance: Assurance;
  readonly [field: string]: unknown;
}

const ERC1271 = [
  {
    type: "function",
    name: "isValidSignature",
    stateMutability: "view",
    inputs: [
      { name: "hash", type: "bytes32" },
      { name: "signature", type: "bytes" },
    ],
    outputs: [{ name: "", type: "bytes4" }],
  },
] as const;
const ERC1271_YES = "0x1626ba7e";
/** As the contract's own cap: a wallet that needs more would be refused later. */
const ERC1271_GAS = 200_000n;
const RATES_LIFE = 5_000;

export const chainReads = (client: PublicClient, deployment: Deployment): ChainReads => {
  const { market, staking, parameters } = deployment.contracts;
  let rates: { readonly at: number; readonly value: Promise<ChainRates> } | undefined;

  const readRates = async (): Promise<ChainRates> => {
    const [version, params] = await client.readContract({
      address: parameters,
      abi: parametersAbi,
      functionName: "current",
    });
    return {
      version,
      protocolFeeBps: params.protocolFeeBps,
      matcherFeeCapBps: params.matcherFeeCapBps,
      collateralBps: params.collateralBps,
      challengeWindow: params.challengeWindow,
    };
  };

  return {
    rates() {
      if (rates === undefined || Date.now() - rates.at > RATES_LIFE) {
        const value = readRates();
        value.catch(() => (rates = undefined));
        rates = { at: Date.now(), value };
      }
      return rates.value;
    },
    freeBalance: (account) =>
      client.readContract({
        address: market,
        abi: marketAbi,
        functionName: "freeBalance",
        args: [account],
      }),
    isCancelled: (request) =>
      client.readContract({
        address: market,
        abi: marketAbi,
        functionName: "isCancelled",
        args: [request],
      }),
    placesTaken: async (request) =>
      Number(
        await client.readContract({
          address: market,
          abi: marketAbi,
          functionName: "placesTaken",
          args: [request],
        }),
      ),
    stateOf: async (jobId) => {
      const state = await client.readContract({
        address: market,
        abi: marketAbi,
        functionName: "stateOf",
        args: [jobId],
      });
      return JOB_STATES[state] ?? "none";
    },
    isOperator: (provider, operator) =>
      client.readContract({
        address: staking,
        abi: stakingAbi,
        functionName: "isOperator",
        args: [provider, operator],
      }),
    provenanceOf: async (root) => {
      const records = await client.readContract({
        address: deployment.contracts.provenance,
        abi: provenanceAbi,
        functionName: "provenanceOf",
        args: [root],
      });
      return records.map((record) => ({
        ...record,
        assurance: ASSURANCES[record.assurance] ?? "unverified",
      }));
    },
    async contractAccepts(signer, digest, signature) {
      const code = await client.getCode({ address: signer });
      if (code === undefined || code === "0x") return false;
      const call = encodeFunctionData({ abi: ERC1271, args: [digest, signature] });
      try {
        const { data } = await client.call({ to: signer, data: call, gas: ERC1271_GAS });
        return data?.length === 66 && data.startsWith(ERC1271_YES);
      } catch (error) {
        if (isTransportError(error)) throw error;
        return false;
      }
    },
  };
};
