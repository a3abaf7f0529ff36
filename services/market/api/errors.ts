/** Every error as problem details (RFC 9457) with the code and the remedy that callers act on. */
import { isTransportError } from "@assay/protocol/chain/contract-errors";
import { AssayError } from "@assay/protocol/errors";
import type { Problem } from "@assay/protocol/wire/api";
import { toWire } from "@assay/protocol/wire/scalars";
import type { Logger } from "@assay/runtime/logger";
import type { FastifyError, FastifyReply } from "fastify";
import { hasZodFastifySchemaValidationErrors } from "fastify-type-provider-zod";
import { STATUS_CODES } from "node:http";
import type { App } from "./deps.ts";

const STATUS: Readonly<Record<string, number>> = {
  SESSION_MISSING: 401,
  SESSION_EXPIRED: 401,
  SESSION_REFUSED: 401,
  NOT_YOURS: 403,
  ROUTE_UNKNOWN: 404,
  PROPOSAL_CLOSED: 409,
  OFFER_SUPERSEDED: 409,
  RECEIPT_CONFLICT: 409,
  BODY_TOO_LARGE: 413,
  CONTENT_TOO_LARGE: 413,
  RATE_LIMITED: 429,
  UPLOAD_QUOTA_EXCEEDED: 429,
  INTERNAL: 500,
  CHAIN_UNREACHABLE: 503,
  STORE_FULL: 507,
};

const statusOf = ({ code, retryable }: AssayError): number => {
  const known = STATUS[code];
  if (known !== undefined) return known;
  if (code.endsWith("_UNKNOWN") || code.endsWith("_NOT_FOUND")) return 404;
  return retryable ? 503 : 422;
};

const sendProblem = (reply: FastifyReply, error: AssayError): FastifyReply => {
  const status = statusOf(error);
  const problem: Problem = {
    type: "about:blank",
    title: STATUS_CODES[status] ?? "Error",
    status,
    detail: error.message,
    code: error.code,
    ...(error.remedy === undefined ? {} : { remedy: error.remedy }),
    ...(Object.keys(error.details).length === 0 ? {} : { details: toWire(error.details) }),
  };
  const { retryAfter } = error.details;
  if (typeof retryAfter === "number") reply.header("retry-after", String(retryAfter));
  return reply.code(status).type("application/problem+json").send(JSON.stringify(problem));
};

/** Errors of the framework, in our words. */
const asAssayError = (error: FastifyError, logger: Logger): AssayError => {
  if (error instanceof AssayError) return error;
  if (hasZodFastifySchemaValidationErrors(error)) {
    const problems = error.validation.map(({ instancePath, message }) => ({
      field: `${error.validationContext ?? ""}${instancePath}`,
      problem: message ?? "not valid",
    }));
    const list = problems.map(({ field, problem }) => `${field}: ${problem}`).join("; ");
    return new AssayError("INPUT_INVALID", `The request does not have the right form: ${list}.`, {
      remedy: "Correct these fields; /docs describes each of them.",
      details: { problems },
    });
  }
  if (isTransportError(error))
    return new AssayError("CHAIN_UNREACHABLE", "The market's chain does not answer.", {
      remedy: "Try again in a moment; if it persists, its operator must look after the node.",
      retryable: true,
      cause: error,
    });
  const status = error.statusCode ?? 500;
  if (status === 413)
    return new AssayError("BODY_TOO_LARGE", "The body is larger than this route takes.", {
      remedy: "Send less at once.",
    });
  if (status === 429)
    return new AssayError("RATE_LIMITED", error.message, {
      remedy: "Wait for as long as the Retry-After header says.",
      retryable: true,
    });
  if (status < 500)
    return new AssayError("INPUT_INVALID", error.message, { remedy: "See /docs for the form." });
  logger.error({ err: error }, "a request failed");
  return new AssayError("INTERNAL", "The market could not answer.", {
    remedy: "Try again; if it persists, the operator's log says more.",
    retryable: true,
  });
};

export const handleErrors = (app: App, logger: Logger): void => {
  app.setErrorHandler((error: FastifyError, _request, reply) =>
    sendProblem(reply, asAssayError(error, logger)),
  );
  app.setNotFoundHandler((request, reply) =>
    sendProblem(
      reply,
      new AssayError("ROUTE_UNKNOWN", `There is no ${request.method} ${request.url}.`, {
        remedy: "See /docs for what there is.",
      }),
    ),
  );
};
