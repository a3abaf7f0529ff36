/** What a block explorer needs to verify the source of each contract. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { AssayError } from "@assay/protocol/errors";
import { Transaction, getCreateAddress } from "ethers";

import { artifactResolver, loadArtifact } from "./artifacts.ts";
import { readSent } from "./sent.ts";

export interface VerificationInput {
  /** As explorers want it: source and contract. */
  readonly contract: string;
  readonly address: string;
  /** As explorers list it. */
  readonly compiler: string;
  /** ABI-encoded, hexadecimal, without `0x`. */
  readonly constructorArguments: string;
  /** File beside this one: the compiler's standard JSON input. */
  readonly standardJsonInput: string;
}

/** Data of the transaction that made a contract, from what the deployment signed. */
const creationOf = (journal: string, address: string): string | undefined =>
  readSent(journal)
    .map(({ raw }) => Transaction.from(raw))
    .find(
      ({ to, from, nonce }) =>
        to === null && from !== null && getCreateAddress({ from, nonce }) === address,
    )?.data;

/**
 * Writes `NAME.input.json` and `NAME.json` for each contract into a folder.
 * @throws `DEPLOY_REBUILT` where the contracts were compiled again, otherwise, since they were deployed
 */
export const writeVerification = async (
  folder: string,
  journal: string,
  addresses: Readonly<Record<string, string>>,
): Promise<VerificationInput[]> => {
  mkdirSync(folder, { recursive: true });
  const written: VerificationInput[] = [];
  for (const [name, address] of Object.entries(addresses)) {
    const { bytecode, inputSourceName } = loadArtifact(name);
    const build = await artifactResolver.getBuildInfo(name);
    const creation = creationOf(journal, address);
    if (build === undefined || creation?.startsWith(bytecode) !== true) {
      throw new AssayError("DEPLOY_REBUILT", `${name} was deployed from other sources than these`, {
        remedy:
          "check out the commit that was deployed, run `npm run setup`, then the same command again",
      });
    }
    const standardJsonInput = `${name}.input.json`;
    writeFileSync(join(folder, standardJsonInput), `${JSON.stringify(build.input, null, 2)}\n`);
    const verification = {
      contract: `${inputSourceName ?? ""}:${name}`,
      address,
      compiler: `v${build.solcLongVersion}`,
      constructorArguments: creation.slice(bytecode.length),
      standardJsonInput,
    };
    writeFileSync(join(folder, `${name}.json`), `${JSON.stringify(verification, null, 2)}\n`);
    written.push(verification);
  }
  return written;
};
