import type { Command } from "commander";
import pc from "picocolors";
import type { Hex } from "viem";
import { AssayError } from "@assay/protocol/errors";
import type { ProvenanceRecord } from "@assay/sdk/actions/provenance";
import { formatAmount, shortHex, type Token } from "../terminal/format.ts";
import type { Output } from "../terminal/output.ts";
import { sessionOf, tokenOf } from "./common.ts";

const ZERO = /^0x0*$/;

/** Prints one record, a line a fact. */
export const printRecord = (output: Output, record: ProvenanceRecord, token: Token): void => {
  output.line(`job        ${record.jobId}`);
  output.line(`program    ${record.programRoot}`);
  output.line(`data       ${record.dataRoot}`);
  output.line(
    `parent     ${ZERO.test(record.parentRoot) ? "none: trained from scratch" : `${record.parentRoot} (record ${record.parentIndex})`}`,
  );
  output.line(
    `seed       ${record.seed}, numerics version ${record.numerics}, ${record.step} steps`,
  );
  output.line(`trace      ${record.traceRoot}`);
  output.line(`requester  ${record.requester}`);
  output.line(`provider   ${record.provider}, paid ${formatAmount(record.price, token)}`);
  output.line(
    `assurance  ${record.assurance}${record.assurance === "replicated" ? ` (${record.agreeing} providers agreed when this one was settled)` : ""}, settled ${new Date(record.settledAt * 1000).toISOString()}`,
  );
};

export const registerProvenance = (program: Command): void => {
  program
    .command("provenance <root>")
    .description("every record behind a model, from the chain alone")
    .addHelpText(
      "after",
      "\nThe root is the model's identity: `assay verify FILE` prints it.\n\nExample:\n  assay provenance 0x7b…",
    )
    .action(async (root: string, _options: unknown, command: Command) => {
      const session = await sessionOf(command);
      if (!/^0x[0-9a-fA-F]{64}$/.test(root)) {
        throw new AssayError(
          "USAGE_BAD_ROOT",
          `“${root}” is not a model root (0x and 64 hex digits)`,
          {
            remedy: "`assay verify FILE` prints the root of a model file",
          },
        );
      }
      const records = await session.reader.provenance(root.toLowerCase() as Hex);
      const token = await tokenOf(session);
      if (records.length === 0) {
        throw new AssayError(
          "PROVENANCE_UNKNOWN",
          `this chain has no record of ${shortHex(root)}`,
          {
            remedy: "check the root, and that the RPC URL is that of the model's chain",
          },
        );
      }
      records.forEach((record, at) => {
        session.output.step(`Record ${at} ${pc.dim(`of ${records.length}`)}`);
        printRecord(session.output, record, token);
      });
      session.output.result({ root, records });
    });
};
