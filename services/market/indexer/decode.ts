/** Decoders of the contracts' events. Events of a fixed layout are cut out of the data directly, the others through viem. */
import {
  marketAbi,
  provenanceAbi,
  reputationAbi,
  stakingAbi,
} from "@assay/protocol/generated/abis";
import { toWire } from "@assay/protocol/wire/scalars";
import {
  decodeEventLog,
  getAddress,
  toEventSelector,
  type Abi,
  type AbiEvent,
  type AbiParameter,
  type Address,
  type Hex,
} from "viem";

export interface Contracts {
  readonly market: Address;
  readonly staking: Address;
  readonly reputation: Address;
  readonly provenance: Address;
}
export type ContractName = keyof Contracts;

export interface RawLog {
  readonly address: Address;
  readonly topics: readonly Hex[];
  readonly data: Hex;
}

export interface Decoded {
  readonly contract: ContractName;
  readonly name: string;
  /** Arguments in wire form: wide integers as decimal strings. */
  readonly args: Record<string, unknown>;
}
export type Decoder = (log: RawLog) => Decoded | undefined;

const ABIS: Record<ContractName, Abi> = {
  market: marketAbi,
  staking: stakingAbi,
  reputation: reputationAbi,
  provenance: provenanceAbi,
};

const addresses = new Map<string, Address>();
const checksummed = (digits: string): Address => {
  let known = addresses.get(digits);
  if (known === undefined) {
    known = getAddress(`0x${digits}`);
    if (addresses.size > 100_000) addresses.clear();
    addresses.set(digits, known);
  }
  return known;
};

type Cut = (hex: string, at: number) => unknown;

/** Cuts one 32-byte word (64 hex digits at `at`); undefined for types that are not one word. */
const cutOf = (type: string): Cut | undefined => {
  if (type === "address") return (hex, at) => checksummed(hex.slice(at + 24, at + 64));
  if (type === "bytes32") return (hex, at) => `0x${hex.slice(at, at + 64)}`;
  if (type === "bool") return (hex, at) => hex.charCodeAt(at + 63) === 0x31;
  const bits = /^uint(\d+)$/.exec(type)?.[1];
  if (bits === undefined) return undefined;
  // As viem has it: up to 48 bits a number, above a bigint, which is a string on the wire.
  return Number(bits) <= 48
    ? (hex, at) => Number.parseInt(hex.slice(at + 52, at + 64), 16)
    : (hex, at) => BigInt(`0x${hex.slice(at, at + 64)}`).toString();
};

interface Field {
  readonly words: number;
  readonly cut: Cut;
}

const fieldOf = (parameter: AbiParameter): Field | undefined => {
  if (parameter.type === "tuple" && "components" in parameter) {
    const parts: { name: string; offset: number; cut: Cut }[] = [];
    let words = 0;
    for (const component of parameter.components) {
      const field = fieldOf(component);
      if (field === undefined) return undefined;
      parts.push({ name: component.name ?? "", offset: words * 64, cut: field.cut });
      words += field.words;
    }
    return {
      words,
      cut: (hex, at) => {
        const value: Record<string, unknown> = {};
        for (const part of parts) value[part.name] = part.cut(hex, at + part.offset);
        return value;
      },
    };
  }
  const cut = cutOf(parameter.type);
  return cut && { words: 1, cut };
};

type Arguments = (log: RawLog) => Record<string, unknown>;

const fixedLayout = (event: AbiEvent): Arguments | undefined => {
  const parts: { name: string; topic: number; at: number; cut: Cut }[] = [];
  let topic = 1;
  let at = 2;
  for (const input of event.inputs) {
    const field = fieldOf(input);
    if (field === undefined || (input.indexed && field.words !== 1)) return undefined;
    if (input.indexed)
      parts.push({ name: input.name ?? "", topic: topic++, at: 2, cut: field.cut });
    else {
      parts.push({ name: input.name ?? "", topic: 0, at, cut: field.cut });
      at += field.words * 64;
    }
  }
  const length = at;
  return ({ topics, data }) => {
    if (data.length < length) throw new Error(`${event.name}: data too short`);
    const args: Record<string, unknown> = {};
    for (const part of parts)
      args[part.name] = part.cut(part.topic === 0 ? data : (topics[part.topic] ?? ""), part.at);
    return args;
  };
};

const throughViem =
  (event: AbiEvent): Arguments =>
  ({ topics, data }) => {
    const { args } = decodeEventLog({
      abi: [event],
      topics: topics as [Hex, ...Hex[]],
      data,
    });
    return toWire(args ?? {});
  };

/** A decoder of the logs of these contracts; undefined for logs that are none of their known events. */
export const eventDecoder = (contracts: Contracts): Decoder => {
  const known = new Map<string, { contract: ContractName; name: string; read: Arguments }>();
  for (const [contract, abi] of Object.entries(ABIS) as [ContractName, Abi][])
    for (const item of abi)
      if (item.type === "event")
        known.set(`${contracts[contract].toLowerCase()}${toEventSelector(item)}`, {
          contract,
          name: item.name,
          read: fixedLayout(item) ?? throughViem(item),
        });
  return (log) => {
    const found = known.get(`${log.address.toLowerCase()}${log.topics[0] ?? ""}`);
    return found && { contract: found.contract, name: found.name, args: found.read(log) };
  };
};
