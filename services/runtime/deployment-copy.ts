/** A copy of which contracts to work with, for when nobody can be asked. */
import { readFile } from "node:fs/promises";
import { deploymentSchema, type Deployment } from "@assay/protocol/wire/api";
import { replaceFile } from "./files.ts";

/** The copy at `path`; undefined where there is none or it is damaged. */
export const deploymentCopy = async (path: string): Promise<Deployment | undefined> => {
  try {
    return deploymentSchema.parse(JSON.parse(await readFile(path, "utf8")));
  } catch {
    return undefined;
  }
};

/** Keeps a copy at `path` and returns what was given. */
export const keepDeployment = async (path: string, deployment: Deployment): Promise<Deployment> => {
  await replaceFile(path, `${JSON.stringify(deployment)}\n`);
  return deployment;
};
