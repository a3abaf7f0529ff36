/** What this machine has, as an offer describes it. */
import { statfs } from "node:fs/promises";
import { availableParallelism, cpus, totalmem } from "node:os";
import { AssayError } from "@assay/protocol/errors";
import type { Hardware } from "@assay/protocol/wire/description";

const GIB = 2 ** 30;
const rounded = (value: number): number => Math.round(value * 10) / 10;

/** CPU, memory, and free disk at `folder`. */
export const detectHardware = async (folder: string): Promise<Hardware> => {
  const disk = await statfs(folder);
  const model = cpus()[0]?.model.trim();
  return {
    class: "cpu",
    ...(model ? { cpuModel: model.slice(0, 120) } : {}),
    cpuCores: availableParallelism(),
    ramGiB: rounded(totalmem() / GIB),
    diskGiB: rounded((disk.bavail * disk.bsize) / GIB),
  };
};

/** Bytes one of `capacity` jobs may use: half of the machine's memory between them. */
export const defaultMemoryLimit = (capacity: number): number =>
  Math.floor(totalmem() / 2 / capacity);

/** Refuses what this version cannot do. @throws GPU_BACKEND_MISSING */
export const requireRunnable = (hardware: "cpu" | "gpu"): void => {
  if (hardware === "cpu") return;
  throw new AssayError("GPU_BACKEND_MISSING", "there is no GPU back end yet: jobs run on the CPU", {
    remedy:
      "Start without --gpu (ASSAY_PROVIDER_HARDWARE=cpu). A GPU machine can offer its CPU today.",
  });
};
