import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  marketAbi,
  provenanceAbi,
  reputationAbi,
  stakingAbi,
} from "@assay/protocol/generated/abis";
import { toWire } from "@assay/protocol/wire/scalars";
import fc from "fast-check";
import {
  encodeAbiParameters,
  encodeEventTopics,
  getAddress,
  toHex,
  type AbiEvent,
  type AbiParameter,
  type Hex,
} from "viem";
import { eventDecoder, type ContractName } from "./decode.ts";

const at = (digit: string) => getAddress(`0x${digit.repeat(40)}`);
const contracts = { market: at("1"), staking: at("2"), reputation: at("3"), provenance: at("4") };
const ABIS = {
  market: marketAbi,
  staking: stakingAbi,
  reputation: reputationAbi,
  provenance: provenanceAbi,
};

const bytes = (length: number) =>
  fc.uint8Array({ minLength: length, maxLength: length }).map((raw) => toHex(raw));

/** Any value of an ABI type, as viem has it. */
const valueOf = (parameter: AbiParameter): fc.Arbitrary<unknown> => {
  const { type } = parameter;
  if (type === "tuple" && "components" in parameter)
    return fc.record(
      Object.fromEntries(
        parameter.components.map((component) => [component.name ?? "", valueOf(component)]),
      ),
    );
  if (type === "address") return bytes(20).map((raw) => getAddress(raw));
  if (type === "bytes32") return bytes(32);
  if (type === "bytes") return fc.uint8Array({ maxLength: 80 }).map((raw) => toHex(raw));
  if (type === "bool") return fc.boolean();
  const bits = Number(/^uint(\d+)$/.exec(type)?.[1]);
  assert.ok(bits > 0, `no arbitrary for ${type}`);
  const integer = fc.bigInt({ min: 0n, max: (1n << BigInt(bits)) - 1n });
  return bits <= 48 ? integer.map(Number) : integer;
};

const events = Object.entries(ABIS).flatMap(([contract, abi]) =>
  abi
    .filter((item) => item.type === "event")
    .map((event) => ({ contract: contract as ContractName, event: event as AbiEvent })),
);

describe("eventDecoder", () => {
  const decode = eventDecoder(contracts);

  for (const { contract, event } of events)
    test(`behavior: ${event.name} comes out as it was put in`, () => {
      fc.assert(
        fc.property(fc.tuple(...event.inputs.map(valueOf)), (values) => {
          const args = Object.fromEntries(
            event.inputs.map(({ name }, place) => [name ?? "", values[place]]),
          );
          const topics = encodeEventTopics({ abi: [event], args } as never) as Hex[];
          const plain = event.inputs.filter(({ indexed }) => indexed !== true);
          const data = encodeAbiParameters(
            plain,
            plain.map(({ name }) => args[name ?? ""]),
          );
          assert.deepEqual(decode({ address: contracts[contract], topics, data }), {
            contract,
            name: event.name,
            args: toWire(args),
          });
        }),
        { numRuns: 25 },
      );
    });

  test("behavior: logs of other contracts and of unknown events are none of ours", () => {
    assert.equal(
      decode({ address: at("9"), topics: [toHex(1, { size: 32 })], data: "0x" }),
      undefined,
    );
    assert.equal(
      decode({ address: contracts.market, topics: [toHex(1, { size: 32 })], data: "0x" }),
      undefined,
    );
  });
});
