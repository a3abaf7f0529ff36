import { bytes32 } from "@assay/protocol/wire/scalars";
import { z } from "zod";
import type { App, RouteDeps } from "../deps.ts";

export const provenanceRoutes = (app: App, { chain }: RouteDeps): void => {
  app.get(
    "/v1/provenance/:root",
    {
      schema: {
        tags: ["provenance"],
        summary: "Every record behind an artifact, oldest first, as the chain has them",
        params: z.object({ root: bytes32 }),
      },
    },
    async ({ params: { root } }) => ({ root, records: await chain.provenanceOf(root) }),
  );
};
