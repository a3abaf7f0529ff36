import { deploymentSchema } from "@assay/protocol/wire/api";
import type { App, RouteDeps } from "../deps.ts";

export const deploymentRoutes = (app: App, { deployment }: RouteDeps): void => {
  app.get(
    "/v1/deployment",
    {
      schema: {
        tags: ["market"],
        summary: "Chain and contracts of this market: all that signing needs",
        response: { 200: deploymentSchema },
      },
    },
    () => deployment,
  );
};
