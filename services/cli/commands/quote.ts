import type { Command } from "commander";
import pc from "picocolors";
import { tensorBytes } from "@assay/engine/columns/place";
import { printProgram } from "@assay/engine/ir/json";
import { PLAIN_ENGINE } from "@assay/engine/wasm/settings";
import { measuredSeconds } from "@assay/provider/jobs/pace";
import type { Quote } from "@assay/protocol/wire/api";
import type { Session } from "../home/session.ts";
import { jobColumns, prepareJob, quoteAskOf, type PreparedJob } from "../jobfile/prepare.ts";
import {
  formatAmount,
  formatCount,
  formatPercent,
  formatSeconds,
  formatUnitPrice,
  shortHex,
  type Token,
} from "../terminal/format.ts";
import { sessionOf, tokenOf } from "./common.ts";

/** What is about to be run: program, size, work. */
export const printWork = (session: Session, prepared: PreparedJob): void => {
  const { program, units } = prepared;
  const parameters = program.state.filter((tensor) => tensor.parameter);
  const count = parameters.reduce(
    (sum, { shape }) => sum + shape.reduce((product, dimension) => product * dimension, 1),
    0,
  );
  session.output.line(
    `${prepared.job.name}: ${formatCount(count)} parameters, ${program.steps} steps, ${formatCount(units.total)}op in all, a checkpoint every ${program.interval} steps`,
  );
  if (prepared.dataPlace === "file")
    session.output.line(
      `the data set (${formatCount(tensorBytes(program.data))}B) is beyond the 4 GiB of memory that a program can have: providers read it from disk`,
    );
  session.output.line(
    pc.dim(
      `program ${shortHex(prepared.programRoot)}  data ${shortHex(prepared.dataRoot)}  seed ${prepared.seed}`,
    ),
  );
};

export const printQuote = (session: Session, quote: Quote, token: Token): void => {
  const { output } = session;
  if (quote.options.length > 0) {
    output.table([
      [
        "provider",
        "region",
        "total",
        "of it fees",
        "price",
        "time",
        "per hour",
        "reputation",
        "collateral",
      ],
      ...quote.options.map((option, at) => {
        const perHour =
          option.seconds > 0
            ? BigInt(Math.round((Number(option.price) * 3600) / option.seconds))
            : 0n;
        return [
          `${at === 0 ? pc.green("→ ") : "  "}${option.name ?? shortHex(option.provider)}`,
          option.region,
          formatAmount(option.total, token),
          formatAmount(option.protocolFee + option.matcherFee, token),
          formatUnitPrice(option.unitPrice, token),
          formatSeconds(option.seconds),
          formatAmount(perHour, token),
          formatPercent(option.reputation / 10_000),
          formatAmount(option.collateral, token),
        ];
      }),
    ]);
  } else output.bad("no provider fits");
  for (const { explanation, relaxation } of quote.rejected) {
    const gain =
      relaxation === undefined
        ? ""
        : `; ${relaxation.change}: ${relaxation.offers} more${relaxation.cheapestTotal === undefined ? "" : ` from ${formatAmount(relaxation.cheapestTotal, token)}`}`;
    output.line(pc.yellow(`${explanation}${gain}`));
  }
};

/** Seconds that the job would take here, from running it for a moment; undefined where that does not tell. */
const ownSeconds = async (prepared: PreparedJob): Promise<number | undefined> => {
  const { program, seed, units, parent } = prepared;
  return measuredSeconds(
    {
      program,
      programText: printProgram(program),
      data: await jobColumns(prepared),
      parent: (parent?.tensors ?? []).map(({ words }) => words),
    },
    { seed, startStep: 0, stepUnits: units.step, evalUnits: units.eval },
    { engine: PLAIN_ENGINE, dutyCycle: 1 },
    new AbortController().signal,
  );
};

export const registerQuote = (program: Command): void => {
  program
    .command("quote <file>")
    .description("what a job would cost, by provider, and why others do not fit; commits nothing")
    .addHelpText("after", "\nExample:\n  assay quote job.yaml")
    .action(async (file: string, _options: unknown, command: Command) => {
      const session = await sessionOf(command);
      const token = await tokenOf(session);
      const prepared = await prepareJob(file, token);
      session.output.step("Quote");
      printWork(session, prepared);
      const quote = await session.reader.quote(quoteAskOf(prepared));
      printQuote(session, quote, token);
      const here = await ownSeconds(prepared);
      if (here !== undefined)
        session.output.line(`on this machine, one core: about ${formatSeconds(here)}`);
      session.output.next(`assay run ${file}`);
      session.output.result({ ...quote, ownSeconds: here ?? null });
    });
};
