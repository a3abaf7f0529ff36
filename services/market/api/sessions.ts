/** Sessions of agents by EIP-4361. A session says whom its holder acts for; tokens are stored as hashes only. */
import { AssayError } from "@assay/protocol/errors";
import type { Session, SessionAsk } from "@assay/protocol/wire/sessions";
import type { FastifyRequest } from "fastify";
import { createHash, randomBytes } from "node:crypto";
import { hashMessage, isAddressEqual, type Address } from "viem";
import { parseSiweMessage, validateSiweMessage } from "viem/siwe";
import type { ChainReads } from "../chain.ts";
import type { PrismaClient } from "../database/generated/client.ts";
import { requireSigned } from "../signatures.ts";

const NONCE_LIFE = 300;
const SESSION_LIFE = 12 * 3_600;
/** Seconds for which an operator's standing is believed. */
const OPERATOR_LIFE = 60;
/** Most operators that are remembered. */
const MOST_OPERATORS = 10_000;

export interface Sessions {
  nonce(): Promise<string>;
  /** Throws `SESSION_REFUSED`, `SIGNATURE_INVALID`. */
  open(ask: SessionAsk): Promise<Session>;
  /** The provider that the caller acts for. Throws `SESSION_MISSING`, `SESSION_EXPIRED`. */
  providerOf(request: Pick<FastifyRequest, "headers">): Promise<Address>;
}

const now = (): number => Math.floor(Date.now() / 1_000);
const hashOf = (token: string): string => createHash("sha256").update(token).digest("hex");

const refused = (why: string): AssayError =>
  new AssayError("SESSION_REFUSED", `The sign-in message cannot be taken: ${why}.`, {
    remedy: "POST /v1/nonces, sign a fresh message for this host and chain, and try again.",
  });

export interface SessionOptions {
  readonly prisma: PrismaClient;
  readonly chain: ChainReads;
  readonly chainId: number;
  /** Origins that sign-in messages may be for: never the caller's word, or another market could pass on what was signed for it. */
  readonly origins: () => readonly string[];
}

const LOOPBACK = ["127.0.0.1", "localhost", "[::1]"];
const ANY_ADDRESS = ["0.0.0.0", "[::]"];

/** Origins of a market that listens at `url`. Without a public one these are its own address, and the names of this machine. */
export const signInOrigins = (url: string, publicUrl: string | undefined): string[] => {
  const { protocol, hostname, port, origin } = new URL(url);
  const local = [...LOOPBACK, ...ANY_ADDRESS].includes(hostname)
    ? LOOPBACK.map((name) => new URL(`${protocol}//${name}:${port}`).origin)
    : [];
  return [...new Set([publicUrl === undefined ? origin : new URL(publicUrl).origin, ...local])];
};

export const createSessions = ({ prisma, chain, chainId, origins }: SessionOptions): Sessions => {
  const operators = new Map<
    string,
    { readonly asked: number; readonly answer: Promise<boolean> }
  >();

  const mayActFor = (provider: Address, address: Address): Promise<boolean> => {
    if (isAddressEqual(provider, address)) return Promise.resolve(true);
    const key = `${provider} ${address}`;
    const known = operators.get(key);
    if (known !== undefined && known.asked + OPERATOR_LIFE > now()) return known.answer;
    if (operators.size >= MOST_OPERATORS) operators.clear();
    const answer = chain.isOperator(provider, address);
    operators.set(key, { asked: now(), answer });
    // A refusal is not remembered: the next thing its owner does is to allow the key.
    answer.then(
      (allowed) => allowed || operators.delete(key),
      () => operators.delete(key),
    );
    return answer;
  };

  /** Throws unless the message is for this market. */
  const checkPlace = ({ domain, uri = "" }: ReturnType<typeof parseSiweMessage>): void => {
    const accepted = origins().map((origin) => new URL(origin));
    const found = accepted.find(({ host }) => host === domain);
    if (found === undefined || !URL.canParse(uri) || new URL(uri).origin !== found.origin)
      throw refused(`it is for ${domain} and ${uri}, this is ${accepted.join(" or ")}`);
  };

  return {
    async nonce() {
      const nonce = randomBytes(16).toString("hex");
      await prisma.apiNonce.deleteMany({ where: { expiresAt: { lt: now() } } });
      await prisma.apiNonce.create({ data: { nonce, expiresAt: now() + NONCE_LIFE } });
      return nonce;
    },

    async open({ message, signature, provider }) {
      const fields = parseSiweMessage(message);
      const { address, nonce } = fields;
      if (address === undefined || nonce === undefined)
        throw refused("it is not an EIP-4361 message");
      if (fields.chainId !== chainId) throw refused(`it is not for chain ${chainId}`);
      checkPlace(fields);
      if (!validateSiweMessage({ message: fields, time: new Date() }))
        throw refused("its time is over, or has not come");
      await requireSigned(chain, address, hashMessage(message), signature);
      const { count } = await prisma.apiNonce.deleteMany({
        where: { nonce, expiresAt: { gte: now() } },
      });
      if (count === 0) throw refused("its nonce is unknown or was used");
      const actsFor = provider ?? address;
      if (!(await mayActFor(actsFor, address)))
        throw refused(`${address} is no operator of ${actsFor}`);
      const token = randomBytes(32).toString("base64url");
      const session = { address, provider: actsFor, expiresAt: now() + SESSION_LIFE };
      await prisma.apiSession.deleteMany({ where: { expiresAt: { lt: now() } } });
      await prisma.apiSession.create({ data: { tokenHash: hashOf(token), ...session } });
      return { token, ...session };
    },

    async providerOf({ headers }) {
      const token = /^Bearer (\S+)$/.exec(headers.authorization ?? "")?.[1];
      const remedy = "Open a session with POST /v1/sessions and send its token as a bearer token.";
      if (token === undefined)
        throw new AssayError("SESSION_MISSING", "This needs a session.", { remedy });
      const session = await prisma.apiSession.findUnique({ where: { tokenHash: hashOf(token) } });
      if (session === null || session.expiresAt < now())
        throw new AssayError("SESSION_EXPIRED", "The session is unknown or over.", { remedy });
      const provider = session.provider as Address;
      if (!(await mayActFor(provider, session.address as Address)))
        throw new AssayError(
          "SESSION_EXPIRED",
          `${session.address} is no longer an operator of ${provider}.`,
          { remedy },
        );
      return provider;
    },
  };
};
