/** Scalars as they travel in JSON: amounts as decimal strings, so that no digit is lost. */
import { getAddress, isAddress, type Address, type Hex } from "viem";
import { z } from "zod";

export const address = z
  .string()
  .refine((text) => isAddress(text, { strict: false }), "not an address (0x and 40 hex digits)")
  .transform((text): Address => getAddress(text));

export const bytes32 = z
  .string()
  .regex(/^0x[0-9a-fA-F]{64}$/, "not 32 bytes (0x and 64 hex digits)")
  .transform((text): Hex => text.toLowerCase() as Hex);

export const hex = z
  .string()
  .regex(/^0x([0-9a-fA-F]{2})*$/, "not hex bytes")
  .transform((text): Hex => text.toLowerCase() as Hex);

const unsignedText = (bits: number) =>
  z
    .string()
    .regex(/^(0|[1-9][0-9]{0,77})$/, "not a decimal number")
    .transform((text) => BigInt(text))
    .refine((value) => value < 1n << BigInt(bits), `does not fit ${bits} bits`);

export const uint64 = unsignedText(64);
export const uint128 = unsignedText(128);
export const uint256 = unsignedText(256);

const unsignedNumber = (bits: number) =>
  z
    .int()
    .min(0)
    .max(2 ** bits - 1);
export const uint8 = unsignedNumber(8);
export const uint16 = unsignedNumber(16);
export const uint32 = unsignedNumber(32);
export const uint40 = unsignedNumber(40);

/** The JSON form of a value: bigints become decimal strings, everything else stays. */
export type Wire<T> = T extends bigint
  ? string
  : T extends readonly (infer U)[]
    ? Wire<U>[]
    : T extends object
      ? { [K in keyof T]: Wire<T[K]> }
      : T;

export const toWire = <T>(value: T): Wire<T> =>
  JSON.parse(
    JSON.stringify(value, (_key, field: unknown) =>
      typeof field === "bigint" ? field.toString() : field,
    ),
  ) as Wire<T>;
