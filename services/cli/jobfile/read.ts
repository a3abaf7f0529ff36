import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { parse, YAMLParseError } from "yaml";
import { AssayError } from "@assay/protocol/errors";
import { jobFileSchema, type JobFile } from "./schema.ts";

export interface LoadedJobFile {
  readonly job: JobFile;
  /** Absolute path of the data set. */
  readonly dataFile: string;
  /** Absolute path of the parent model, where there is one. */
  readonly parentFile: string | undefined;
}

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
  const { data: job } = parsed;
  const beside = (path: string): string => resolve(dirname(file), path);
  const parent = job.tuning?.parent;
  return {
    job,
    dataFile: beside(job.data),
    parentFile: parent === undefined ? undefined : beside(parent),
  };
};
