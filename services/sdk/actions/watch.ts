/** What happens to a request and to its job, as it happens. */
import type { Hex } from "viem";
import {
  jobViewSchema,
  progressReportSchema,
  requestStatusSchema,
  type JobView,
  type ProgressReport,
  type RequestStatus,
} from "@assay/protocol/wire/api";
import { z } from "zod";
import type { AssayContext } from "../context.ts";
import { stream, type StreamOptions } from "../http/events.ts";

export type JobEvent =
  | { readonly kind: "request"; readonly request: RequestStatus }
  | { readonly kind: "job"; readonly job: JobView }
  | { readonly kind: "progress"; readonly jobId: Hex; readonly report: ProgressReport };

/** `signal` ends the watch; `onCut` hears each time that the market did not answer and is asked again. */
export type WatchOptions = Pick<StreamOptions, "signal" | "onCut">;

const progressEventSchema = z.object({ jobId: z.string(), report: progressReportSchema });

export async function* events(
  context: AssayContext,
  path: string,
  options: WatchOptions,
): AsyncGenerator<JobEvent> {
  for await (const { event, data } of stream(context, path, options)) {
    if (event === "request") yield { kind: "request", request: requestStatusSchema.parse(data) };
    else if (event === "job") yield { kind: "job", job: jobViewSchema.parse(data) };
    else if (event === "progress") {
      const { jobId, report } = progressEventSchema.parse(data);
      yield { kind: "progress", jobId: jobId as Hex, report };
    }
  }
}

/** Follows a request to its job and the job to its end. The first event tells where it stands. */
export const watchRequest = (
  context: AssayContext,
  digest: Hex,
  options: WatchOptions = {},
): AsyncGenerator<JobEvent> => events(context, `/v1/requests/${digest}/events`, options);

/** Follows one job to its end. The first event tells where it stands. */
export const watchJob = (
  context: AssayContext,
  jobId: Hex,
  options: WatchOptions = {},
): AsyncGenerator<JobEvent> => events(context, `/v1/jobs/${jobId}/events`, options);
