import { nonceSchema, sessionAskSchema, sessionSchema } from "@assay/protocol/wire/sessions";
import type { App, RouteDeps } from "../deps.ts";

export const sessionRoutes = (app: App, { sessions }: RouteDeps): void => {
  app.post(
    "/v1/nonces",
    {
      schema: {
        tags: ["sessions"],
        summary: "Text for a sign-in message",
        response: { 201: nonceSchema },
      },
    },
    async (_request, reply) => reply.code(201).send({ nonce: await sessions.nonce() }),
  );

  app.post(
    "/v1/sessions",
    {
      schema: {
        tags: ["sessions"],
        summary: "Sign in with an EIP-4361 message",
        body: sessionAskSchema,
        response: { 201: sessionSchema },
      },
    },
    async (request, reply) => reply.code(201).send(await sessions.open(request.body)),
  );
};
