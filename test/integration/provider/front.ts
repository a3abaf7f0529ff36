/**
 * A market's HTTP side that does what a test says: it proposes when told to, and carries what was signed to the chain. Real
 * sessions, real content gateway, real `agree`; only the matching is the test's.
 */
import { randomBytes } from "node:crypto";
import { EventEmitter, once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Acceptance, Request } from "@assay/protocol/domain/messages";
import { marketAbi } from "@assay/protocol/generated/abis";
import {
  signedAcceptanceSchema,
  signedOfferSchema,
  signedReceiptSchema,
  type Deployment,
  type Proposal,
  type SignedOffer,
  type SignedReceipt,
} from "@assay/protocol/wire/api";
import { sessionAskSchema } from "@assay/protocol/wire/sessions";
import { toWire } from "@assay/protocol/wire/scalars";
import { digestOf } from "@assay/protocol/signing/typed-data";
import type { BlockStore } from "@assay/storage/blocks";
import { parseCid } from "@assay/storage/cid";
import { verified } from "@assay/storage/blocks";
import {
  createPublicClient,
  createWalletClient,
  http,
  verifyMessage,
  type Address,
  type Hex,
} from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { parseSiweMessage } from "viem/siwe";

export interface FrontEvents {
  offer: [SignedOffer];
  listening: [];
  accepted: [{ id: string; jobId: Hex }];
  refused: [{ id: string; code: string; reason: string }];
  withdrawn: [Hex];
  progress: [{ jobId: Hex; report: { leaving?: boolean; checkpoint: number } }];
  receipt: [SignedReceipt];
}

export interface Front {
  readonly url: string;
  readonly events: EventEmitter<FrontEvents>;
  readonly offers: ReadonlyMap<Hex, SignedOffer>;
  /** To one provider, or to everyone who listens. */
  propose(proposal: Proposal, to?: Address): void;
  /** Breaks the connections of those who listen, and forgets their sessions, as a restart does. */
  readonly restart: () => void;
  /** Takes the last accepted pair to the chain once more. */
  readonly carryAgain: () => Promise<void>;
  /** Whether accepted pairs are taken to the chain; true at first. */
  carries: boolean;
  close(): Promise<void>;
}

export interface FrontOptions {
  readonly deployment: Deployment;
  readonly rpcUrl: string;
  readonly blocks: BlockStore;
  /** Pays for `agree`. */
  readonly carrierKey: Hex;
}

export const startFront = async (options: FrontOptions): Promise<Front> => {
  const { deployment, blocks } = options;
  const domain = { chainId: deployment.chainId, market: deployment.contracts.market };
  const carrier = createWalletClient({
    account: privateKeyToAccount(options.carrierKey),
    transport: http(options.rpcUrl),
  });
  const reader = createPublicClient({ transport: http(options.rpcUrl), pollingInterval: 50 });
  const events = new EventEmitter<FrontEvents>();
  const offers = new Map<Hex, SignedOffer>();
  const proposals = new Map<string, Proposal>();
  const addressees = new Map<string, Address>();
  const streams = new Map<ServerResponse, Address | undefined>();
  const tokens = new Map<string, Address>();

  const json = (response: ServerResponse, status: number, body: unknown): void =>
    void response
      .writeHead(status, { "content-type": "application/json" })
      .end(JSON.stringify(toWire(body)));
  const problem = (response: ServerResponse, status: number, code: string): void =>
    json(response, status, { type: "about:blank", title: code, status, detail: code, code });
  const bytesOf = async (request: IncomingMessage): Promise<Buffer> => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    return Buffer.concat(parts);
  };
  const bodyOf = async (request: IncomingMessage): Promise<unknown> =>
    JSON.parse((await bytesOf(request)).toString()) as unknown;
  const sessionOf = (request: IncomingMessage): Address | undefined =>
    tokens.get((request.headers.authorization ?? "").replace("Bearer ", ""));
  const hasSession = (request: IncomingMessage): boolean => sessionOf(request) !== undefined;
  const send = (stream: ServerResponse, proposal: Proposal): void => {
    const to = addressees.get(proposal.id);
    if (to !== undefined && to !== streams.get(stream)) return;
    stream.write(`event: proposal\ndata: ${JSON.stringify(toWire(proposal))}\n\n`);
  };

  type Pair = [Request, Hex, Acceptance, Hex];
  const carried: Pair[] = [];
  let lane: Promise<unknown> = Promise.resolve();
  const agreeNow = async (args: Pair): Promise<void> => {
    const hash = await carrier.writeContract({
      chain: null,
      address: deployment.contracts.market,
      abi: marketAbi,
      functionName: "agree",
      args,
    });
    const { status } = await reader.waitForTransactionReceipt({ hash });
    if (status !== "success") throw new Error(`agree ${hash} reverted`);
  };
  /** One after the other: the carrier has one nonce at a time. */
  const agree = (args: Pair): Promise<void> => {
    const sent = lane.then(() => agreeNow(args));
    lane = sent.catch(() => undefined);
    return sent;
  };
  const carry = async (id: string, body: unknown): Promise<void> => {
    const proposal = proposals.get(id) as Proposal;
    const { acceptance, signature } = signedAcceptanceSchema.parse(body);
    const jobId = digestOf(domain, "Acceptance", acceptance);
    const pair: Pair = [proposal.request, proposal.requestSignature, acceptance, signature];
    if (front.carries) await agree(pair);
    carried.push(pair);
    proposals.delete(id);
    events.emit("accepted", { id, jobId });
  };

  const routes: [RegExp, (q: IncomingMessage, r: ServerResponse, m: RegExpExecArray) => unknown][] =
    [
      [/^GET \/v1\/deployment$/, (_q, r) => json(r, 200, deployment)],
      // Nobody signs two results here.
      [/^GET \/v1\/conflicts$/, (_q, r) => json(r, 200, { items: [], next: null })],
      [/^POST \/v1\/nonces$/, (_q, r) => json(r, 200, { nonce: randomBytes(16).toString("hex") })],
      [
        /^POST \/v1\/sessions$/,
        async (q, r) => {
          const { message, signature } = sessionAskSchema.parse(await bodyOf(q));
          const address = parseSiweMessage(message).address as Address;
          if (!(await verifyMessage({ address, message, signature })))
            return problem(r, 401, "SIGNATURE_INVALID");
          const token = randomBytes(16).toString("hex");
          tokens.set(token, address);
          const expiresAt = Math.floor(Date.now() / 1000) + 3600;
          return json(r, 201, { token, address, provider: address, expiresAt });
        },
      ],
      [
        /^POST \/v1\/offers$/,
        async (q, r) => {
          const signed = signedOfferSchema.parse(await bodyOf(q));
          const digest = digestOf(domain, "Offer", signed.offer);
          offers.set(digest, signed);
          json(r, 201, { digest });
          events.emit("offer", signed);
        },
      ],
      [
        /^DELETE \/v1\/offers\/(0x\w+)$/,
        (q, r, m) => {
          if (!hasSession(q)) return problem(r, 401, "SESSION_MISSING");
          offers.delete(m[1] as Hex);
          r.writeHead(204).end();
          return events.emit("withdrawn", m[1] as Hex);
        },
      ],
      [
        /^GET \/v1\/proposals$/,
        (q, r) => {
          if (!hasSession(q)) return problem(r, 401, "SESSION_MISSING");
          r.writeHead(200, { "content-type": "text/event-stream" }).write(": stream\n\n");
          streams.set(r, sessionOf(q));
          r.on("close", () => streams.delete(r));
          for (const proposal of proposals.values()) send(r, proposal);
          return events.emit("listening");
        },
      ],
      [
        /^POST \/v1\/proposals\/([^/]+)\/acceptance$/,
        async (q, r, m) => {
          const id = decodeURIComponent(m[1] as string);
          const body = await bodyOf(q);
          if (proposals.has(id)) await carry(id, body);
          r.writeHead(204).end();
        },
      ],
      [
        /^POST \/v1\/proposals\/([^/]+)\/refusal$/,
        async (q, r, m) => {
          if (!hasSession(q)) return problem(r, 401, "SESSION_MISSING");
          const id = decodeURIComponent(m[1] as string);
          const refusal = (await bodyOf(q)) as { code: string; reason: string };
          proposals.delete(id);
          r.writeHead(204).end();
          return events.emit("refused", { id, ...refusal });
        },
      ],
      [
        /^POST \/v1\/jobs\/(0x\w+)\/progress$/,
        async (q, r, m) => {
          const report = (await bodyOf(q)) as FrontEvents["progress"][0]["report"];
          r.writeHead(204).end();
          events.emit("progress", { jobId: m[1] as Hex, report });
        },
      ],
      [
        /^POST \/v1\/jobs\/(0x\w+)\/receipts$/,
        async (q, r) => {
          const receipt = signedReceiptSchema.parse(await bodyOf(q));
          r.writeHead(204).end();
          events.emit("receipt", receipt);
        },
      ],
      [
        /^(GET|HEAD) \/ipfs\/(\w+)$/,
        async (_q, r, m) => {
          const cid = parseCid(m[2] as string);
          if (!(await blocks.has(cid))) return problem(r, 404, "CONTENT_NOT_FOUND");
          r.writeHead(200);
          return m[1] === "HEAD" ? r.end() : r.end(await blocks.get(cid));
        },
      ],
      [
        /^PUT \/ipfs\/(\w+)$/,
        async (q, r, m) => {
          const cid = parseCid(m[1] as string);
          await blocks.put(cid, verified(cid, await bytesOf(q), "upload"));
          r.writeHead(201).end();
        },
      ],
    ];

  const server = createServer((request, response) => {
    const line = `${request.method} ${(request.url ?? "").split("?")[0]}`;
    for (const [pattern, handle] of routes) {
      const match = pattern.exec(line);
      if (!match) continue;
      Promise.resolve()
        .then(() => handle(request, response, match))
        .catch((error: unknown) => {
          if (!response.headersSent) problem(response, 500, "FRONT_FAILED");
          process.stderr.write(`${line}: ${String(error)}\n`);
        });
      return;
    }
    problem(response, 404, "NOT_FOUND");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");

  const front: Front = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    events,
    offers,
    carries: true,
    restart: () => {
      tokens.clear();
      for (const stream of streams.keys()) stream.destroy();
    },
    carryAgain: async () => {
      await agree(carried.at(-1) as Pair);
    },
    propose: (proposal, to) => {
      proposals.set(proposal.id, proposal);
      if (to !== undefined) addressees.set(proposal.id, to);
      for (const stream of streams.keys()) send(stream, proposal);
    },
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
  return front;
};
