/** Gauges of the market itself, read when Prometheus asks. */
import { Gauge, type Registry } from "prom-client";
import type { Indexer } from "./indexer/follow.ts";
import type { Book } from "./matcher/book/book.ts";
import type { TaskQueues } from "./queue/queues.ts";

export interface Measured {
  readonly book: Book;
  readonly queues: TaskQueues;
  readonly indexer: Indexer | undefined;
}

export const marketMetrics = (registry: Registry, { book, queues, indexer }: Measured): void => {
  const registers = [registry];
  const offers: Gauge = new Gauge({
    name: "assay_book_offers",
    help: "Offers in the book",
    registers,
    collect(): void {
      offers.set(book.size);
    },
  });
  const tasks: Gauge = new Gauge({
    name: "assay_queue_tasks",
    help: "Tasks that wait, run or are delayed",
    labelNames: ["task"],
    registers,
    async collect(): Promise<void> {
      for (const [task, count] of Object.entries(await queues.counts())) tasks.set({ task }, count);
    },
  });
  if (indexer === undefined) return;
  const block: Gauge = new Gauge({
    name: "assay_index_block",
    help: "Last block taken into the index",
    registers,
    collect(): void {
      block.set(indexer.position().block);
    },
  });
  const head: Gauge = new Gauge({
    name: "assay_chain_head",
    help: "Head of the chain as last seen",
    registers,
    collect(): void {
      head.set(indexer.position().head);
    },
  });
};
