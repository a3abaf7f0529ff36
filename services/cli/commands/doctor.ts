import type { Command } from "commander";
import { accessSync, constants, mkdirSync, statfsSync } from "node:fs";
import { createPublicClient, formatEther, http } from "viem";
import { z } from "zod";
import { readEnvironment } from "../config.ts";
import { readAccount } from "../home/keys.ts";
import { assayHome, readLocalNetwork } from "../home/network.ts";
import type { GlobalOptions } from "../home/session.ts";
import { createOutput, EXIT } from "../terminal/output.ts";

interface Finding {
  readonly part: string;
  readonly ok: boolean;
  readonly finding: string;
  /** What to type. */
  readonly fix?: string;
}

const LEAST_FREE_GIB = 2;
const LATE_BLOCK_SECONDS = 120;
const TIMEOUT_MS = 5_000;

const message = (error: unknown): string =>
  error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error);

const checkNode = (): Finding => {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  const ok = major > 22 || (major === 22 && minor >= 13);
  return {
    part: "node",
    ok,
    finding: `version ${process.versions.node}`,
    fix: "run through `npm run assay -- …`, which brings Node 24",
  };
};

const checkHome = (home: string): Finding => {
  try {
    mkdirSync(home, { recursive: true });
    accessSync(home, constants.W_OK);
    const { bavail, bsize } = statfsSync(home);
    const free = (bavail * bsize) / 2 ** 30;
    return {
      part: "folder",
      ok: free >= LEAST_FREE_GIB,
      finding: `${home}, ${free.toFixed(1)} GiB free`,
      fix: "free some disk, or set ASSAY_HOME to a folder elsewhere",
    };
  } catch (error) {
    return {
      part: "folder",
      ok: false,
      finding: message(error),
      fix: "set ASSAY_HOME to a folder that you can write",
    };
  }
};

const checkChain = async (rpcUrl: string): Promise<Finding> => {
  try {
    const client = createPublicClient({
      transport: http(rpcUrl, { timeout: TIMEOUT_MS, retryCount: 0 }),
    });
    const [id, block] = await Promise.all([client.getChainId(), client.getBlock()]);
    const age = Math.floor(Date.now() / 1000) - Number(block.timestamp);
    return {
      part: "chain",
      ok: age < LATE_BLOCK_SECONDS,
      finding: `${rpcUrl}: chain ${id}, block ${block.number} of ${age} s ago`,
      fix: "the node is behind or stopped mining: restart it (`assay down`, `assay up`)",
    };
  } catch (error) {
    return {
      part: "chain",
      ok: false,
      finding: `${rpcUrl}: ${message(error)}`,
      fix: "start a market with `assay up`, or check --rpc",
    };
  }
};

const readinessSchema = z.object({
  status: z.string(),
  block: z.int().nullish(),
  head: z.int().nullish(),
});

/** What `/ready` says, in words. */
const readiness = (text: string): string => {
  try {
    const { status, block, head } = readinessSchema.parse(JSON.parse(text));
    return `${status}${typeof block === "number" ? `, has read ${block} of ${head ?? "?"} blocks` : ""}`;
  } catch {
    return text.slice(0, 200);
  }
};

const checkMarket = async (apiUrl: string): Promise<Finding> => {
  try {
    const response = await fetch(`${apiUrl}/ready`, { signal: AbortSignal.timeout(TIMEOUT_MS) });
    const text = await response.text();
    return {
      part: "market",
      ok: response.ok,
      finding: `${apiUrl}: ${readiness(text)}`,
      fix: "wait a moment; if it stays so, read the market's log",
    };
  } catch (error) {
    return {
      part: "market",
      ok: false,
      finding: `${apiUrl}: ${message(error)}`,
      fix: "start a market with `assay up`, or check --api",
    };
  }
};

const checkKey = async (file: string, rpcUrl: string | undefined): Promise<Finding> => {
  try {
    const { address } = readAccount(file);
    if (rpcUrl === undefined) return { part: "key", ok: true, finding: address };
    const balance = await createPublicClient({
      transport: http(rpcUrl, { timeout: TIMEOUT_MS }),
    }).getBalance({ address });
    return {
      part: "key",
      ok: balance > 0n,
      finding: `${address} with ${formatEther(balance)} for gas`,
      fix: `send native currency to ${address}`,
    };
  } catch (error) {
    return {
      part: "key",
      ok: false,
      finding: message(error),
      fix: "give --key FILE or set ASSAY_KEY_FILE",
    };
  }
};

export const registerDoctor = (program: Command): void => {
  program
    .command("doctor")
    .description("check each part and print the fix")
    .addHelpText("after", "\nExit code 3: something is wrong.\n\nExample:\n  assay doctor")
    .action(async (_options: unknown, command: Command) => {
      const options = command.optsWithGlobals<GlobalOptions>();
      const output = createOutput(options.json ?? false);
      const environment = readEnvironment();
      const home = assayHome();
      const local = readLocalNetwork(home);
      const rpcUrl = options.rpc ?? environment.ASSAY_RPC_URL ?? local?.rpcUrl;
      const apiUrl = options.api ?? environment.ASSAY_API_URL ?? local?.apiUrl;
      const keyFile = options.key ?? environment.ASSAY_KEY_FILE ?? local?.keys.requester;
      const noMarket: Finding = {
        part: "market",
        ok: false,
        finding: "none runs here and none was named",
        fix: "assay up",
      };
      const findings: Finding[] = [
        checkNode(),
        checkHome(home),
        ...(rpcUrl === undefined ? [noMarket] : [await checkChain(rpcUrl)]),
        ...(apiUrl === undefined ? [] : [await checkMarket(apiUrl)]),
        ...(keyFile === undefined ? [] : [await checkKey(keyFile, rpcUrl)]),
      ];
      output.step("Doctor");
      for (const { part, ok, finding, fix } of findings) {
        if (ok) output.good(`${part}: ${finding}`);
        else {
          output.bad(`${part}: ${finding}`);
          if (fix !== undefined) output.line(`  fix: ${fix}`);
        }
      }
      output.result({ findings });
      if (findings.some((finding) => !finding.ok)) process.exitCode = EXIT.checkFailed;
    });
};
