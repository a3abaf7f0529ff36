/** The environment the command line reads; every key has an option that wins over it. */
import { z } from "zod";

export const environment = z.object({
  ASSAY_HOME: z
    .string()
    .optional()
    .describe("Folder of the command line's own files; default ~/.assay"),
  ASSAY_API_URL: z
    .url()
    .optional()
    .describe("Market to talk to; default: the one that `assay up` runs"),
  ASSAY_RPC_URL: z
    .url()
    .optional()
    .describe("Chain to talk to; default: the one that `assay up` runs"),
  ASSAY_KEY_FILE: z
    .string()
    .optional()
    .describe("File with the private key that signs; default: the requester of `assay up`"),
});

/** The environment, parsed. */
export const readEnvironment = (): z.infer<typeof environment> => environment.parse(process.env);

/** Environment for a child process: enough to run, and what is named. */
export const childEnvironment = (
  more: Readonly<Record<string, string>> = {},
): Record<string, string> => {
  const { PATH = "", HOME = "" } = process.env;
  return { PATH, HOME, NODE_NO_WARNINGS: "1", ...more };
};
