/** The HTTP interface, built apart from listening. `/docs` describes every route. */
import rateLimit from "@fastify/rate-limit";
import swagger from "@fastify/swagger";
import swaggerUi from "@fastify/swagger-ui";
import fastify, { LogController } from "fastify";
import { validatorCompiler, type ZodTypeProvider } from "fastify-type-provider-zod";
import type { App, ApiDeps, RouteDeps } from "./deps.ts";
import { handleErrors } from "./errors.ts";
import { measureRequests } from "./metrics.ts";
import { describeRoutes } from "./openapi.ts";
import { conflictRoutes } from "./routes/conflicts.ts";
import { contentRoutes } from "./routes/content.ts";
import { deploymentRoutes } from "./routes/deployment.ts";
import { healthRoutes } from "./routes/health.ts";
import { jobRoutes } from "./routes/jobs.ts";
import { offerRoutes } from "./routes/offers.ts";
import { proposalRoutes } from "./routes/proposals.ts";
import { provenanceRoutes } from "./routes/provenance.ts";
import { providerRoutes } from "./routes/providers.ts";
import { quoteRoutes } from "./routes/quotes.ts";
import { receiptRoutes } from "./routes/receipts.ts";
import { requestRoutes } from "./routes/requests.ts";
import { sessionRoutes } from "./routes/sessions.ts";
import { statsRoutes } from "./routes/stats.ts";
import { createSessions } from "./sessions.ts";
import { Streams } from "./sse.ts";
import { createUploads } from "./uploads.ts";

/** Largest JSON body: a request with its constraints is a few kilobytes. */
const BODY_LIMIT = 256 * 1024;

const asJson = (data: unknown): string =>
  JSON.stringify(data, (_key, value: unknown) =>
    typeof value === "bigint" ? value.toString() : value,
  );

export const buildApi = async (deps: ApiDeps): Promise<App> => {
  const app = fastify({
    loggerInstance: deps.logger,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: BODY_LIMIT,
    forceCloseConnections: true,
    routerOptions: { maxParamLength: 256 },
  }).withTypeProvider<ZodTypeProvider>() as unknown as App;
  app.setValidatorCompiler(validatorCompiler);
  // Views are made of what our own schemas parsed; amounts leave as decimal strings.
  app.setSerializerCompiler(() => asJson);
  handleErrors(app, deps.logger);
  measureRequests(app, deps.metrics);
  app.addHook("onRequest", async (request, reply) => {
    reply.header("access-control-allow-origin", "*");
    if (request.method === "OPTIONS")
      await reply
        .header("access-control-allow-methods", "GET, HEAD, POST, PUT, DELETE")
        .header("access-control-allow-headers", "authorization, content-type, last-event-id")
        .header("access-control-max-age", "86400")
        .code(204)
        .send();
  });
  await app.register(rateLimit, { max: deps.rateLimit, timeWindow: "1 minute" });
  await app.register(swagger, {
    openapi: {
      openapi: "3.1.0",
      info: {
        title: "Assay market",
        version: "1",
        description: "Offers, quotes, requests, proposals and jobs. Amounts are decimal strings.",
      },
      components: { securitySchemes: { session: { type: "http", scheme: "bearer" } } },
    },
    transform: describeRoutes,
  });
  await app.register(swaggerUi, { routePrefix: "/docs" });

  const streams = new Streams();
  app.addHook("preClose", () => streams.closeAll());
  const sessions = createSessions({
    prisma: deps.database.prisma,
    chain: deps.chain,
    chainId: deps.deployment.chainId,
    origins: deps.origins,
  });
  const uploads = createUploads(deps.uploadLimits, deps.contentFolder, sessions);
  const routes: RouteDeps = { ...deps, streams, sessions, uploads };
  for (const add of [
    deploymentRoutes,
    healthRoutes,
    sessionRoutes,
    offerRoutes,
    quoteRoutes,
    requestRoutes,
    proposalRoutes,
    jobRoutes,
    receiptRoutes,
    conflictRoutes,
    providerRoutes,
    provenanceRoutes,
    statsRoutes,
    contentRoutes,
  ])
    add(app, routes);
  return app;
};
