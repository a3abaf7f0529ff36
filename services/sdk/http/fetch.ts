/** Calls the market's HTTP interface and parses what it says, good or bad. */
import type { z } from "zod";
import { AssayError } from "@assay/protocol/errors";
import { problemSchema } from "@assay/protocol/wire/api";
import { toWire } from "@assay/protocol/wire/scalars";
import { apiUrlOf, type AssayContext } from "../context.ts";

export interface CallOptions {
  readonly method?: "GET" | "POST" | "DELETE";
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
}

/** The market's refusal as an error; statuses 429 and 5xx may pass by themselves. */
export const problemOf = async (response: Response, url: string): Promise<AssayError> => {
  const retryable = response.status === 429 || response.status >= 500;
  const text = await response.text();
  try {
    const problem = problemSchema.parse(JSON.parse(text));
    return new AssayError(problem.code, problem.detail, {
      retryable,
      ...(problem.remedy === undefined ? {} : { remedy: problem.remedy }),
      details: { ...problem.details, status: problem.status },
    });
  } catch {
    return new AssayError(
      "API_FAILED",
      `${url} answered ${response.status}: ${text.slice(0, 200)}`,
      {
        retryable,
        remedy: "check that the URL is that of an Assay market",
        details: { status: response.status },
      },
    );
  }
};

/** One response with a good status. @throws the market's own code, `API_UNREACHABLE`, `API_FAILED` */
export const call = async (
  context: AssayContext,
  path: string,
  options: CallOptions = {},
): Promise<Response> => {
  const url = `${apiUrlOf(context)}${path}`;
  let response: Response;
  try {
    response = await fetch(url, {
      method: options.method ?? (options.body === undefined ? "GET" : "POST"),
      headers: {
        accept: "application/json",
        ...(options.body === undefined ? {} : { "content-type": "application/json" }),
        ...options.headers,
      },
      ...(options.body === undefined ? {} : { body: JSON.stringify(toWire(options.body)) }),
      signal: options.signal ?? null,
    });
  } catch (cause) {
    options.signal?.throwIfAborted();
    throw new AssayError("API_UNREACHABLE", `the market at ${apiUrlOf(context)} does not answer`, {
      cause,
      retryable: true,
      remedy: "check the URL, or start a market with `assay up`",
    });
  }
  if (!response.ok) throw await problemOf(response, url);
  return response;
};

/** As {@link call}, with the JSON body parsed. @throws also `API_UNEXPECTED_ANSWER` */
export const callJson = async <S extends z.ZodType>(
  context: AssayContext,
  path: string,
  schema: S,
  options: CallOptions = {},
): Promise<z.output<S>> => {
  const response = await call(context, path, options);
  const parsed = schema.safeParse(await response.json());
  if (!parsed.success) {
    throw new AssayError(
      "API_UNEXPECTED_ANSWER",
      `the market's answer to ${path} is not what this version knows`,
      {
        cause: parsed.error,
        remedy: "use the same version of client and market",
      },
    );
  }
  return parsed.data;
};
