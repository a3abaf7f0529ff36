import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { parse, YAMLParseError } from "yaml";
import { z } from "zod";
import { AssayError } from "@assay/protocol/errors";
import { jobFileSchema, type JobFile } from "./schema.ts";

export interface LoadedJobFile {
  readonly job: JobFile;
  /** Absolute path of the data set. */
  readonly dataFile: string;
  /** Absolute path of the parent model, where there is one. */
  readonly parentFile: string | undefined;
}

/** The job with its graph read, where that is in a file of its own. */
const withGraph = (job: JobFile, beside: (path: string) => string): JobFile => {
  const { model } = job;
  if (model.preset !== "graph" || typeof model.graph !== "string") return job;
  const path = beside(model.graph);
  try {
    const graph = z.record(z.string(), z.unknown()).parse(JSON.parse(readFileSync(path, "utf8")));
    return { ...job, model: { ...model, graph } };
  } catch (cause) {
    throw new AssayError("JOB_FILE_GRAPH", `${path} is not a JSON object`, {
      cause,
      remedy: "the path in `model.graph` is relative to the job file",
    });
  }
};

/** Reads and checks a job file. @throws `JOB_FILE_UNREADABLE`, `JOB_FILE_INVALID` naming every bad field. */
export const readJobFile = (file: string): LoadedJobFile => {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (cause) {
    throw new AssayError("JOB_FILE_UNREADABLE", `cannot read ${file}`, {
      cause,
      remedy: "write one with `assay init`",
    });
  }
  let value: unknown;
  try {
    value = parse(text);
  } catch (cause) {
    const where = cause instanceof YAMLParseError ? ` (${cause.message.split("\n")[0]})` : "";
    throw new AssayError("JOB_FILE_INVALID", `${file} is not YAML${where}`, {
      cause,
      remedy: "compare with the file `assay init` writes",
    });
  }
  const parsed = jobFileSchema.safeParse(value);
  if (!parsed.success) {
    const places = parsed.error.issues.map(
      (issue) => `${issue.path.join(".") || "(top)"}: ${issue.message}`,
    );
    throw new AssayError("JOB_FILE_INVALID", `${file}: ${places.join("; ")}`, {
      remedy: "correct these fields; `assay init` writes a file with every field explained",
      details: { places },
    });
  }
  const beside = (path: string): string => resolve(dirname(file), path);
  const job = withGraph(parsed.data, beside);
  const parent = job.tuning?.parent;
  return {
    job,
    dataFile: beside(job.data),
    parentFile: parent === undefined ? undefined : beside(parent),
  };
};
