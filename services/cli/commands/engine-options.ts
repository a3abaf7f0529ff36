/** The options of commands that run programs: how many threads, how wide, on how much data. */
import { Option } from "commander";
import { LANES, MOST_THREADS, type EngineWish } from "@assay/engine/wasm/settings";
import { AssayError } from "@assay/protocol/errors";

export const threadsOption = (): Option =>
  new Option(
    "--threads <number>",
    "threads of one job; `auto`: all cores but one between the jobs, 4 each at most",
  ).default("auto");

export const lanesOption = (): Option =>
  new Option(
    "--lanes <width>",
    "`wide`: 256-bit lanes, nearly twice as fast with AVX2; experimental in V8",
  ).default("narrow");

/** @throws `USAGE_BAD_NUMBER`, `USAGE_BAD_LANES` */
export const engineWish = (options: {
  readonly threads: string;
  readonly lanes: string;
}): EngineWish => {
  const lanes = LANES.find((known) => known === options.lanes);
  if (lanes === undefined) {
    throw new AssayError("USAGE_BAD_LANES", `--lanes ${options.lanes} is not known`, {
      remedy: `give one of ${LANES.join(", ")}`,
    });
  }
  if (options.threads === "auto") return { lanes, threads: "auto" };
  const threads = Number(options.threads);
  if (/^[0-9]+$/.test(options.threads) && threads >= 1 && threads <= MOST_THREADS)
    return { lanes, threads };
  throw new AssayError("USAGE_BAD_NUMBER", `--threads ${options.threads} is no number of threads`, {
    remedy: `give a whole number from 1 to ${MOST_THREADS}, or \`auto\``,
  });
};

const MIB = 2 ** 20;

export const maxDataOption = (): Option =>
  new Option(
    "--max-data <MiB>",
    "largest data set to fetch; what has no room in memory takes so much disk, for each job",
  ).default("4096");

/** Bytes. @throws `USAGE_BAD_NUMBER` */
export const maxDataBytes = ({ maxData }: { readonly maxData: string }): number => {
  if (/^[1-9][0-9]{0,9}$/.test(maxData)) return Number(maxData) * MIB;
  throw new AssayError("USAGE_BAD_NUMBER", `--max-data ${maxData} is no number of MiB`, {
    remedy: "give a whole number from 1 on",
  });
};
