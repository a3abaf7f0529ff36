/** What Prometheus gets: the process's own numbers, and time and status of every route. */
import { Histogram, type Registry } from "prom-client";
import type { App } from "./deps.ts";

export const measureRequests = (app: App, registry: Registry): void => {
  const seconds = new Histogram({
    name: "assay_http_request_seconds",
    help: "Time from the first byte of a request to the last of its answer, streams left out",
    labelNames: ["method", "route", "status"],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5],
    registers: [registry],
  });
  app.addHook("onResponse", (request, reply, done) => {
    seconds.observe(
      {
        method: request.method,
        route: request.routeOptions.url ?? "none",
        status: reply.statusCode,
      },
      reply.elapsedTime / 1_000,
    );
    done();
  });
};
