/** Blocks by hash (the IPFS trustless gateway's raw form): anyone can check what it gets, and only whole blocks are kept. */
import { AssayError } from "@assay/protocol/errors";
import { MAX_BLOCK_BYTES, matches } from "@assay/storage/blocks";
import { parseCid } from "@assay/storage/cid";
import { z } from "zod";
import type { App, RouteDeps } from "../deps.ts";

const RAW_TYPE = "application/vnd.ipld.raw";
const cidParams = z.object({ cid: z.string().max(128) });

export const contentRoutes = (app: App, { blocks, uploads }: RouteDeps): void => {
  app.addContentTypeParser(
    [RAW_TYPE, "application/octet-stream"],
    { parseAs: "buffer", bodyLimit: MAX_BLOCK_BYTES },
    (_request, body, done) => done(null, body),
  );

  app.get(
    "/ipfs/:cid",
    {
      // HEAD is answered below, without reading the block.
      exposeHeadRoute: false,
      schema: { tags: ["content"], summary: "One block, raw", params: cidParams },
    },
    async ({ params }, reply) => {
      const cid = parseCid(params.cid);
      const bytes = await blocks.get(cid);
      return reply
        .type(RAW_TYPE)
        .header("etag", `"${cid.toString()}"`)
        .header("cache-control", "public, max-age=29030400, immutable")
        .header("x-content-type-options", "nosniff")
        .send(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
    },
  );

  app.head(
    "/ipfs/:cid",
    { schema: { tags: ["content"], summary: "Whether a block is here", params: cidParams } },
    async ({ params }, reply) => {
      const found = await blocks.has(parseCid(params.cid));
      return reply
        .code(found ? 200 : 404)
        .type(RAW_TYPE)
        .send();
    },
  );

  app.put(
    "/ipfs/:cid",
    {
      bodyLimit: MAX_BLOCK_BYTES,
      schema: {
        tags: ["content"],
        summary:
          "Store one block of at most 2 MiB; its hash is checked, and each client's bytes are counted",
        params: cidParams,
        consumes: [RAW_TYPE],
      },
    },
    async (request, reply) => {
      const { params, body } = request;
      const cid = parseCid(params.cid);
      if (!(body instanceof Buffer) || !matches(cid, body))
        throw new AssayError("BLOCK_MISMATCH", "These bytes are not the block of this CID.", {
          remedy: `Send the block's raw bytes as ${RAW_TYPE}.`,
          details: { cid: cid.toString() },
        });
      // What is here already takes no room, whoever sends it again.
      if (!(await blocks.has(cid))) {
        await uploads.admit(request, body.length);
        await blocks.put(cid, body);
      }
      return reply.code(201).send();
    },
  );
};
