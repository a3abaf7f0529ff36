/**
 * `npm run deploy -- run|check …`: deploys to a public network, or reads a deployment back. Errors have a code and a remedy; a
 * deployment that was stopped goes on with the same command.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";

import { AssayError, isAssayError } from "@assay/protocol/errors";
import { deploymentSchema } from "@assay/protocol/wire/api";
import { isHexString } from "ethers";

import type { Finding } from "./code.ts";
import { checkPublic, deployPublic } from "./public.ts";

const USAGE = `npm run deploy -- run   --parameters FILE --rpc URL --key FILE --out FOLDER [--poll MILLISECONDS]
npm run deploy -- check --parameters FILE --rpc URL --deployer ADDRESS --out FOLDER`;

const usage = (message: string): AssayError =>
  new AssayError("USAGE_DEPLOY", message, { remedy: `type\n${USAGE}` });

const read = () => {
  try {
    return parseArgs({
      options: {
        parameters: { type: "string" },
        rpc: { type: "string" },
        key: { type: "string" },
        deployer: { type: "string" },
        out: { type: "string" },
        poll: { type: "string", default: "1000" },
      },
      allowPositionals: true,
    });
  } catch (error) {
    throw usage(error instanceof Error ? error.message : String(error));
  }
};

const required = (name: string, value: string | undefined): string => {
  if (value === undefined) throw usage(`--${name} is missing`);
  return value;
};

const readKey = (file: string): string => {
  let key: string;
  try {
    key = readFileSync(file, "utf8").trim();
  } catch (cause) {
    throw new AssayError("DEPLOY_KEY_UNREADABLE", `cannot read the key file ${file}`, {
      cause,
      remedy: "give --key a file that holds one private key: 0x and 64 hex digits",
    });
  }
  if (isHexString(key, 32)) return key;
  throw new AssayError("DEPLOY_KEY_UNREADABLE", `${file} holds no private key`, {
    remedy: "give --key a file that holds one private key: 0x and 64 hex digits",
  });
};

const readRecord = (file: string): unknown => {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch (cause) {
    throw new AssayError("DEPLOY_RECORD_MISSING", `cannot read ${file}`, {
      cause,
      remedy: "give --out the folder that `run` wrote",
    });
  }
};

const print = (findings: readonly Finding[]): void => {
  for (const { what, ok, found } of findings) {
    console.log(ok ? `✓ ${what}` : `✗ ${what}\n    found: ${found}`);
  }
};

const main = async (): Promise<number> => {
  const { values, positionals } = read();
  const [verb] = positionals;
  if (verb !== "run" && verb !== "check") throw usage("the first word is neither run nor check");
  const rpcUrl = required("rpc", values.rpc);
  const parameters = required("parameters", values.parameters);
  const out = required("out", values.out);
  if (verb === "run") {
    const deployer = readKey(required("key", values.key));
    const { findings } = await deployPublic({
      rpcUrl,
      parameters,
      out,
      deployer,
      pollingInterval: Number(values.poll),
      say: (line) => console.log(`✓ ${line}`),
    });
    print(findings);
    console.log(
      `\nthe deployer's key has no power left; ${join(out, "deployment.json")} is for clients`,
    );
    return 0;
  }
  const findings = await checkPublic({
    rpcUrl,
    parameters,
    deployer: required("deployer", values.deployer),
    deployment: deploymentSchema.parse(readRecord(join(out, "deployment.json"))),
    addresses: readRecord(join(out, "contracts.json")) as Record<string, string>,
  });
  print(findings);
  return findings.every(({ ok }) => ok) ? 0 : 3;
};

try {
  process.exitCode = await main();
} catch (error) {
  if (!isAssayError(error)) throw error;
  console.error(`\n✗ ${error.message} [${error.code}]`);
  if (error.remedy !== undefined) console.error(`  next: ${error.remedy}`);
  process.exitCode = error.code.startsWith("USAGE_") ? 2 : 1;
}
