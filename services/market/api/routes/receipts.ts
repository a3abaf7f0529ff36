import { AssayError } from "@assay/protocol/errors";
import { signedReceiptSchema } from "@assay/protocol/wire/api";
import { bytes32 } from "@assay/protocol/wire/scalars";
import { z } from "zod";
import { readReceipt, receiptIntake } from "../../intake/receipts.ts";
import type { App, RouteDeps } from "../deps.ts";

const idParams = z.object({ id: bytes32 });

export const receiptRoutes = (app: App, { database, chain, deployment, bus }: RouteDeps): void => {
  const { sql } = database;
  const intake = receiptIntake(sql, chain, {
    chainId: deployment.chainId,
    market: deployment.contracts.market,
  });

  app.post(
    "/v1/jobs/:id/receipts",
    {
      schema: {
        tags: ["jobs"],
        summary:
          "The provider's receipt for a checkpoint before the last; two that contradict each other are evidence",
        params: idParams,
        body: signedReceiptSchema,
      },
    },
    async ({ params: { id }, body }, reply) => {
      await intake.take(id, body);
      await bus.tell("report", { jobId: id });
      return reply.code(204).send();
    },
  );

  app.get(
    "/v1/jobs/:id/receipt",
    {
      schema: {
        tags: ["jobs"],
        summary: "The latest receipt: anyone may present it after the deadline or a stop",
        params: idParams,
        response: { 200: signedReceiptSchema },
      },
    },
    async ({ params: { id } }) => {
      const receipt = await readReceipt(sql, id);
      if (receipt) return receipt;
      throw new AssayError("RECEIPT_NOT_FOUND", "There is no receipt of this job here.", {
        remedy: "Its provider sends one after each checkpoint before the last.",
      });
    },
  );
};
