import { createInterface } from "node:readline/promises";
import { AssayError } from "@assay/protocol/errors";

/** Asks once, yes or no. @throws `USAGE_NOT_CONFIRMED` when the answer is no or nobody can be asked */
export const confirm = async (question: string, alreadyYes: boolean): Promise<void> => {
  if (alreadyYes) return;
  if (!process.stdin.isTTY) {
    throw new AssayError("USAGE_NOT_CONFIRMED", `${question} — nobody is there to answer`, {
      remedy: "add --yes if you agree",
    });
  }
  const prompt = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await prompt.question(`  ${question} [y/N] `);
  prompt.close();
  if (!/^y(es)?$/i.test(answer.trim())) {
    throw new AssayError("USAGE_NOT_CONFIRMED", "nothing was signed", {
      remedy: "run the command again when you agree",
    });
  }
};
