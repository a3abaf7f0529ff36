/** How much anybody may store here: bytes per hour for each client, and never the last of the disk. */
import { AssayError } from "@assay/protocol/errors";
import type { FastifyRequest } from "fastify";
import { statfs } from "node:fs/promises";
import { isIPv6 } from "node:net";
import type { Sessions } from "./sessions.ts";

export interface UploadLimits {
  /** Bytes an hour that an address without a session may store. */
  readonly bytesPerHour: number;
  /** Bytes of the disk that must stay free. */
  readonly diskReserve: number;
}

/** What a session's provider may store, as a multiple of what an address may: it has stake to lose, and models to deliver. */
const SESSION_FACTOR = 8;
const HOUR = 3_600_000;
/** Clients that are remembered; beyond, those heard of least lately are forgotten. */
const MOST_CLIENTS = 10_000;

interface Bucket {
  left: number;
  at: number;
}

export interface Allowances {
  /** Takes so many bytes of what a client may store; allowances fill up evenly over an hour. Throws `UPLOAD_QUOTA_EXCEEDED`. */
  take(client: string, bytes: number, perHour: number): void;
}

/** `now`: milliseconds. */
export const createAllowances = (now: () => number = Date.now): Allowances => {
  const buckets = new Map<string, Bucket>();

  /** The map is in the order in which clients were heard of last. */
  const forgetSome = (time: number): void => {
    for (const [client, { at }] of buckets) {
      if (buckets.size < MOST_CLIENTS && time - at < HOUR) return;
      buckets.delete(client);
    }
  };

  return {
    take(client, bytes, perHour) {
      const time = now();
      const known = buckets.get(client);
      const left =
        known === undefined
          ? perHour
          : Math.min(perHour, known.left + ((time - known.at) * perHour) / HOUR);
      const refused = bytes > left;
      if (known === undefined && buckets.size >= MOST_CLIENTS) forgetSome(time);
      buckets.delete(client);
      buckets.set(client, { left: refused ? left : left - bytes, at: time });
      if (!refused) return;
      const retryAfter = Math.ceil(((bytes - left) * 3_600) / perHour);
      throw new AssayError(
        "UPLOAD_QUOTA_EXCEEDED",
        `This client has stored all that it may for now: ${perHour} bytes an hour.`,
        {
          remedy: `Try again in ${retryAfter} s, with a session, or with another content gateway.`,
          retryable: true,
          details: { perHour, left: Math.floor(left), retryAfter },
        },
      );
    },
  };
};

/** An address as one client: of IPv6 the network, since its owner has all the rest to choose from. */
export const clientOf = (address: string): string => {
  if (!isIPv6(address) || /^::ffff:\d+\./i.test(address)) return address;
  const [head = "", tail] = address.split("::");
  const groups = head === "" ? [] : head.split(":");
  const after = tail === undefined || tail === "" ? [] : tail.split(":");
  const missing = tail === undefined ? 0 : 8 - groups.length - after.length;
  const all = [...groups, ...Array.from({ length: missing }, () => "0"), ...after];
  return `${all.slice(0, 4).join(":")}::/64`;
};

type Client = Pick<FastifyRequest, "ip" | "headers">;

export interface Uploads {
  /** Lets a request store so many bytes. Throws `UPLOAD_QUOTA_EXCEEDED`, `STORE_FULL`, `SESSION_EXPIRED`. */
  admit(request: Client, bytes: number): Promise<void>;
}

export const createUploads = (
  { bytesPerHour, diskReserve }: UploadLimits,
  folder: string,
  sessions: Pick<Sessions, "providerOf">,
): Uploads => {
  const allowances = createAllowances();

  const requireSpace = async (bytes: number): Promise<void> => {
    const { bavail, bsize } = await statfs(folder);
    if (bavail * bsize - bytes >= diskReserve) return;
    throw new AssayError("STORE_FULL", "This market's content store is full.", {
      remedy: "Use another content gateway; its operator must free space on the disk.",
      retryable: true,
    });
  };

  return {
    async admit(request, bytes) {
      if (request.headers.authorization === undefined)
        allowances.take(clientOf(request.ip), bytes, bytesPerHour);
      else
        allowances.take(await sessions.providerOf(request), bytes, bytesPerHour * SESSION_FACTOR);
      await requireSpace(bytes);
    },
  };
};
