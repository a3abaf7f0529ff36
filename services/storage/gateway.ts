/** Blocks behind an HTTP gateway: `GET|HEAD|PUT /ipfs/:cid` with `application/vnd.ipld.raw` bodies (IPFS trustless gateway). */
import { setTimeout as delay } from "node:timers/promises";
import { AssayError, isAssayError } from "@assay/protocol/errors";
import type { CID } from "multiformats/cid";
import {
  MAX_BLOCK_BYTES,
  notFound,
  verified,
  type BlockStore,
  type CallOptions,
} from "./blocks.ts";

/** Too much for now, and no room left. */
const LIMITS: ReadonlySet<number> = new Set([429, 507]);

const PASSING = ["GATEWAY_UNREACHABLE", "GATEWAY_LIMITED"];

const RAW_TYPE = "application/vnd.ipld.raw";

export interface GatewayOptions {
  /** Base URL; blocks are at `<url>/ipfs/<cid>`. */
  readonly url: string;
  /** Tries of one call before it fails; the pauses between double from `pauseMs`. */
  readonly tries?: number;
  readonly pauseMs?: number;
  /** Longest one call may take. */
  readonly timeoutMs?: number;
}

/**
 * Every block read is checked against its hash. Throws CONTENT_NOT_FOUND, BLOCK_CORRUPT, GATEWAY_UNREACHABLE, GATEWAY_LIMITED,
 * GATEWAY_REFUSED.
 */
export const gatewayBlocks = ({
  url,
  tries = 4,
  pauseMs = 200,
  timeoutMs = 60_000,
}: GatewayOptions): BlockStore => {
  const base = url.replace(/\/+$/, "");
  const at = (cid: CID) => `${base}/ipfs/${cid.toString()}`;

  const attempt = async (
    cid: CID,
    init: RequestInit,
    signal: AbortSignal | undefined,
  ): Promise<Response> => {
    const timeout = AbortSignal.timeout(timeoutMs);
    let response: Response;
    try {
      response = await fetch(at(cid), {
        ...init,
        signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
      });
    } catch (cause) {
      signal?.throwIfAborted();
      throw unreachable(base, cause);
    }
    if (response.ok || response.status === 404) return response;
    const detail = await response.text().catch(() => "");
    if (LIMITS.has(response.status)) throw limited(base, response, detail);
    throw response.status >= 500
      ? unreachable(base, `${response.status} ${detail}`)
      : refused(base, response.status, detail);
  };

  const persistently = async <T>(
    signal: AbortSignal | undefined,
    action: () => Promise<T>,
  ): Promise<T> => {
    for (let left = tries - 1, pause = pauseMs; ; left--, pause *= 2) {
      try {
        return await action();
      } catch (error) {
        const passes = PASSING.some((code) => isAssayError(error, code));
        if (left <= 0 || !passes) throw error;
      }
      await delay(pause, undefined, { signal });
    }
  };

  const has = (cid: CID, { signal }: CallOptions = {}): Promise<boolean> =>
    persistently(signal, async () => {
      const response = await attempt(
        cid,
        { method: "HEAD", headers: { accept: RAW_TYPE } },
        signal,
      );
      await response.body?.cancel();
      return response.ok;
    });

  return {
    has,
    get: (cid, { signal } = {}) =>
      persistently(signal, async () => {
        const response = await attempt(cid, { headers: { accept: RAW_TYPE } }, signal);
        if (!response.ok) {
          await response.body?.cancel();
          throw notFound(cid, base);
        }
        return verified(cid, await bodyOf(response, base), base);
      }),
    put: async (cid, bytes, options = {}) => {
      if (await has(cid, options)) return;
      await persistently(options.signal, async () => {
        const response = await attempt(
          cid,
          {
            method: "PUT",
            headers: { "content-type": RAW_TYPE },
            body: new Uint8Array(bytes),
          },
          options.signal,
        );
        await response.body?.cancel();
        if (!response.ok) throw refused(base, response.status, "no upload route");
      });
    },
    delete: () => Promise.reject(refused(base, 405, "a gateway's blocks are not ours to delete")),
  };
};

/** Reads no more than a block can have, so that a hostile gateway cannot fill memory. */
const bodyOf = async (response: Response, base: string): Promise<Uint8Array> => {
  const parts: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const part of response.body ?? []) {
      size += part.length;
      if (size > MAX_BLOCK_BYTES) throw refused(base, response.status, "block larger than 2 MiB");
      parts.push(part);
    }
  } catch (cause) {
    if (isAssayError(cause)) throw cause;
    throw unreachable(base, cause);
  }
  return Buffer.concat(parts);
};

const unreachable = (url: string, cause: unknown): AssayError =>
  new AssayError("GATEWAY_UNREACHABLE", `no answer from the content gateway ${url}`, {
    remedy: `Check that ${url} runs and can be reached from here, then try again; what was fetched is kept.`,
    retryable: true,
    details: { url },
    cause,
  });

const limited = (url: string, { status, headers }: Response, detail: string): AssayError => {
  const wait = headers.get("retry-after");
  const seconds = wait !== null && /^\d+$/.test(wait) ? Number(wait) : undefined;
  return new AssayError(
    "GATEWAY_LIMITED",
    `the content gateway ${url} takes no more now (${status}): ${detail.slice(0, 300)}`,
    {
      remedy: `Try again ${seconds === undefined ? "later" : `in ${seconds} s`}, or use another gateway; what was stored is kept.`,
      retryable: true,
      details: { url, status, ...(seconds === undefined ? {} : { retryAfter: seconds }) },
    },
  );
};

const refused = (url: string, status: number, detail: string): AssayError =>
  new AssayError(
    "GATEWAY_REFUSED",
    `the content gateway ${url} refused (${status}): ${detail.slice(0, 300)}`,
    {
      remedy: "Use a gateway that accepts uploads, or ask its operator.",
      details: { url, status },
    },
  );
