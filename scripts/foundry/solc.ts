#!/usr/bin/env node
/**
 * The compiler that forge calls. It compiles nothing: it answers with the code that Hardhat compiled from the same sources, so
 * that forge runs the very bytes that Hardhat's tests ran and that are deployed.
 */
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { join } from "node:path";

import { answerFromHardhat, type Sources } from "./hardhat-build.ts";

const root = join(import.meta.dirname, "../..");

if (process.argv.includes("--version")) {
  const { version } = createRequire(import.meta.url)("solc/package.json") as { version: string };
  console.log(`solc, the solidity compiler commandline interface\nVersion: ${version}+commit.0`);
} else {
  const input = JSON.parse(readFileSync(0, "utf8")) as { readonly sources: Sources };
  process.stdout.write(JSON.stringify(answerFromHardhat(root, input.sources)));
}
