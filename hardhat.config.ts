import { createRequire } from "node:module";

import hardhatEthers from "@nomicfoundation/hardhat-ethers";
import hardhatIgnitionEthers from "@nomicfoundation/hardhat-ignition-ethers";
import hardhatNetworkHelpers from "@nomicfoundation/hardhat-network-helpers";
import hardhatNodeTestRunner from "@nomicfoundation/hardhat-node-test-runner";
import { defineConfig } from "hardhat/config";
import type { HardhatPlugin } from "hardhat/types/plugins";

import { likeHardhat } from "./scripts/foundry/like-hardhat.ts";

const require = createRequire(import.meta.url);

// The compiler comes from the lockfile, so that a build downloads nothing.
const compiler = { version: "0.8.37", path: require.resolve("solc/soljson.js") };
// The newest rules that the chains we aim at all support.
const settings = { evmVersion: "cancun", optimizer: { enabled: true, runs: 1_000 } };

/** Contracts on the path of every job: the slower compilation saves a job 16,000 gas, and meets the budgets. */
const onEveryPath = [
  "governance/Parameters",
  "market/Market",
  "market/SidePaths",
  "provenance/Provenance",
  "reputation/Reputation",
  "staking/Staking",
];
const overrides = Object.fromEntries(
  onEveryPath.map((name) => [
    `contracts/${name}.sol`,
    { ...compiler, settings: { ...settings, viaIR: true } },
  ]),
);

// `npm run test:deep` asks for more.
// oxlint-disable-next-line node/no-process-env
const invariantRuns = Number(process.env["ASSAY_INVARIANT_RUNS"] ?? 40);

// `npm test` starts an anvil for the second run of the contract tests and says here where it listens.
// oxlint-disable-next-line node/no-process-env
const anvilUrl = process.env["ASSAY_ANVIL_URL"] ?? "http://127.0.0.1:8545";

const likeHardhatsOwn: HardhatPlugin = {
  id: "assay-like-hardhat",
  hookHandlers: { network: async () => ({ default: likeHardhat }) },
};

export default defineConfig({
  plugins: [
    hardhatEthers,
    hardhatIgnitionEthers,
    hardhatNetworkHelpers,
    hardhatNodeTestRunner,
    likeHardhatsOwn,
  ],
  paths: {
    sources: "contracts",
    tests: { solidity: "test/contracts", nodejs: "test/contracts" },
    artifacts: ".build/artifacts",
    cache: ".build/cache",
    ignition: "deploy",
  },
  solidity: {
    compilers: [{ ...compiler, settings }],
    overrides,
    splitTestsCompilation: true,
  },
  networks: {
    // What `network.create()` gives to tests: one block per transaction, at once.
    default: {
      type: "edr-simulated",
      chainId: 31337,
      hardfork: "prague",
    },
    // The chain of `assay up`: blocks also come by the clock, so that deadlines pass without traffic.
    local: {
      type: "edr-simulated",
      chainId: 31337,
      hardfork: "prague",
      allowBlocksWithSameTimestamp: true,
      mining: { auto: true, interval: 1_000 },
    },
    // Foundry's chain: the second implementation that the contract tests run on.
    anvil: { type: "http", chainType: "l1", url: anvilUrl },
  },
  test: {
    solidity: {
      fuzz: { runs: 256, seed: "0xa55a1" },
      invariant: { runs: invariantRuns, depth: 64, failOnRevert: false },
    },
  },
});
