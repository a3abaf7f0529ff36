/** Schemas of the signed messages as they travel in JSON, field for field their EIP-712 types; parsing gives the domain types. */
import { z } from "zod";
import type { Acceptance, Offer, Request, Submission } from "../domain/messages.ts";
import { TYPES, type MessageType } from "../signing/typed-data.ts";
import {
  address,
  bytes32,
  uint128,
  uint16,
  uint256,
  uint32,
  uint40,
  uint64,
  uint8,
} from "./scalars.ts";

const SCALARS = {
  address,
  bytes32,
  uint8,
  uint16,
  uint32,
  uint40,
  uint64,
  uint128,
  uint256,
} as const;

type Field = (typeof TYPES)[MessageType][number];
type ShapeOf<T extends MessageType> = {
  [F in (typeof TYPES)[T][number] as F["name"]]: (typeof SCALARS)[F["type"]];
};

const schemaOf = <T extends MessageType>(message: T) => {
  const fields: readonly Field[] = TYPES[message];
  const shape = Object.fromEntries(fields.map(({ name, type }) => [name, SCALARS[type]]));
  return z.strictObject(shape as ShapeOf<T>);
};

export const requestSchema = schemaOf("Request") satisfies z.ZodType<Request>;
export const acceptanceSchema = schemaOf("Acceptance") satisfies z.ZodType<Acceptance>;
export const submissionSchema = schemaOf("Submission") satisfies z.ZodType<Submission>;
export const offerSchema = schemaOf("Offer") satisfies z.ZodType<Offer>;
