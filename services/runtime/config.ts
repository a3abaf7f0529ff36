/** Turns environment variables into a checked settings object, once, at start. */
import { AssayError } from "@assay/protocol/errors";
import type { z } from "zod";

/**
 * Parses `source` (usually `process.env`) with a package's `environment` schema. Empty variables count as absent.
 * Throws `CONFIG_INVALID` that lists every bad key with its meaning, not only the first.
 */
export const readEnvironment = <T extends z.ZodObject>(
  environment: T,
  source: Readonly<Record<string, string | undefined>>,
): z.infer<T> => {
  const present = Object.fromEntries(
    Object.keys(environment.shape)
      .map((key) => [key, source[key]] as const)
      .filter(([, value]) => value !== undefined && value !== ""),
  );
  const parsed = environment.safeParse(present);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((issue) => {
    const key = String(issue.path[0]);
    const field: z.ZodType | undefined = environment.shape[key];
    return { key, problem: issue.message, meaning: field?.description ?? "" };
  });
  const lines = problems.map(
    ({ key, problem, meaning }) => `  ${key}: ${problem}${meaning ? ` (${meaning})` : ""}`,
  );
  throw new AssayError(
    "CONFIG_INVALID",
    `These environment variables are missing or wrong:\n${lines.join("\n")}`,
    {
      remedy: `Set ${[...new Set(problems.map((one) => one.key))].join(", ")} and start again; .env.example describes every key.`,
      details: { problems },
    },
  );
};
