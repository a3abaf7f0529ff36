/** Jobs and providers as the market's index shows them. */
import type { Address, Hex } from "viem";
import { z } from "zod";
import type { JobState } from "@assay/protocol/domain/states";
import {
  jobViewSchema,
  providerViewSchema,
  requestStatusSchema,
  type JobView,
  type ProviderView,
  type RequestStatus,
} from "@assay/protocol/wire/api";
import type { AssayContext } from "../context.ts";
import { callJson } from "../http/fetch.ts";

const pageSchema = z.object({ items: z.array(jobViewSchema), next: z.string().nullable() });

export interface JobsFilter {
  readonly requester?: Address;
  readonly provider?: Address;
  readonly state?: JobState;
  readonly limit?: number;
  /** `next` of the page before. */
  readonly cursor?: string;
}

/** One job. @throws `JOB_UNKNOWN` */
export const job = (context: AssayContext, jobId: Hex): Promise<JobView> =>
  callJson(context, `/v1/jobs/${jobId}`, jobViewSchema);

/** Jobs, newest first, a page at a time. */
export const jobs = (
  context: AssayContext,
  filter: JobsFilter = {},
): Promise<{ items: JobView[]; next: string | null }> => {
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries(filter)) query.set(key, String(value));
  return callJson(context, `/v1/jobs?${query.toString()}`, pageSchema);
};

export const requestStatus = (context: AssayContext, digest: Hex): Promise<RequestStatus> =>
  callJson(context, `/v1/requests/${digest}`, requestStatusSchema);

export const provider = (context: AssayContext, address: Address): Promise<ProviderView> =>
  callJson(context, `/v1/providers/${address}`, providerViewSchema);
