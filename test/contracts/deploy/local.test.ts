import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";

import { Contract, JsonRpcProvider, Wallet, ZeroAddress, parseEther } from "ethers";
import hre from "hardhat";

import { loadArtifact } from "../../../deploy/artifacts.ts";
import { deploy, deployLocal } from "../../../deploy/deploy.ts";
import { root } from "../support/market.ts";

type Server = Awaited<ReturnType<typeof hre.network.createServer>>;

/** First account of Hardhat's published mnemonic. */
const DEPLOYER = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";

describe("deployment to a chain by URL", () => {
  let server: Server;
  let rpcUrl: string;
  let provider: JsonRpcProvider;
  const folder = mkdtempSync(join(tmpdir(), "assay-deploy-"));

  before(async () => {
    server = await hre.network.createServer({ network: "local" }, "127.0.0.1", 0);
    const { port } = await server.listen();
    rpcUrl = `http://127.0.0.1:${port}`;
    provider = new JsonRpcProvider(rpcUrl, undefined, { cacheTimeout: -1 });
  });
  after(async () => {
    provider.destroy();
    await server.close();
    rmSync(folder, { recursive: true });
  });

  const at = (address: string, name: string) =>
    new Contract(address, loadArtifact(name).abi, provider);

  it("wires every contract to the others and writes down where they are", async () => {
    const file = join(folder, "deployment.json");
    const deployment = await deployLocal({ rpcUrl, deployer: DEPLOYER, file });
    assert.deepEqual(JSON.parse(readFileSync(file, "utf8")), deployment);
    const { contracts, token } = deployment;
    assert.deepEqual(token, { symbol: "tUSD", decimals: 6 });
    assert.equal(deployment.chainId, 31_337);
    const market = at(contracts.market, "Market");
    for (const name of ["staking", "reputation", "provenance", "parameters"] as const) {
      assert.equal(await market.getFunction(name)(), contracts[name]);
    }
    for (const name of ["staking", "reputation", "provenance"] as const) {
      assert.equal(await at(contracts[name], "IStaking").getFunction("market")(), contracts.market);
    }
    assert.equal(await market.getFunction("token")(), contracts.token);
    const [version, params] = await at(contracts.parameters, "Parameters").getFunction("current")();
    assert.equal(version, 1n);
    assert.equal(params.challengeWindow, 10n);
    assert.equal(params.disputes, contracts.disputes);
    assert.equal(params.treasury, new Wallet(DEPLOYER).address);
  });

  it("deploys the game that the first parameters name", async () => {
    const { contracts } = await deployLocal({ rpcUrl, deployer: DEPLOYER });
    const disputes = at(contracts.disputes, "Disputes");
    assert.equal((await disputes.getFunction("statusOf")(root("no job"))).liveGames, 0n);
  });

  it("takes other first numbers within the bounds", async () => {
    const first = { challengeWindow: 33 };
    const { contracts } = await deployLocal({ rpcUrl, deployer: DEPLOYER, first });
    const [, params] = await at(contracts.parameters, "Parameters").getFunction("current")();
    assert.equal(params.challengeWindow, 33n);
    assert.equal(params.disputes, contracts.disputes);
  });

  it("goes again beside the first one", async () => {
    const first = await deployLocal({ rpcUrl, deployer: DEPLOYER });
    const second = await deployLocal({ rpcUrl, deployer: DEPLOYER });
    assert.notEqual(first.contracts.market, second.contracts.market);
  });

  it("uses a token that is there, under the bounds of a public network", async () => {
    const { contracts } = await deployLocal({ rpcUrl, deployer: DEPLOYER });
    const deployer = new Wallet(root("another deployer"), provider);
    const funder = new Wallet(DEPLOYER, provider);
    await (await funder.sendTransaction({ to: deployer.address, value: parseEther("1") })).wait();
    const token = at(contracts.token, "TestToken").connect(deployer) as Contract;
    await (await token.getFunction("mint")(deployer.address, 1_000_000n)).wait();
    const deployment = await deploy({
      rpcUrl,
      deployer: deployer.privateKey,
      parameters: "public",
      token: contracts.token,
      journal: join(folder, "journal"),
      pollingInterval: 20,
    });
    assert.equal(deployment.contracts.token, contracts.token);
    assert.ok(existsSync(join(folder, "journal", "Assay", "journal.jsonl")));
    const parameters = at(deployment.contracts.parameters, "Parameters");
    const [, params] = await parameters.getFunction("current")();
    assert.equal(params.kappaBps, 15_000n);
    assert.equal(await token.getFunction("balanceOf")(deployer.address), 1_000_000n);
  });

  it("leaves the deployer no power: the governor by stake is all there is", async () => {
    const { contracts } = await deploy({
      rpcUrl,
      deployer: DEPLOYER,
      parameters: "local",
      pollingInterval: 20,
    });
    const deployer = new Wallet(DEPLOYER).address;
    const parameters = at(contracts.parameters, "Parameters");
    const timelock = at(await parameters.getFunction("governor")(), "Timelock");
    const may = async (role: string, who: string): Promise<boolean> =>
      timelock.getFunction("hasRole")(await timelock.getFunction(role)(), who);
    for (const role of ["DEFAULT_ADMIN_ROLE", "PROPOSER_ROLE", "CANCELLER_ROLE", "EXECUTOR_ROLE"]) {
      assert.equal(await may(role, deployer), false, role);
    }
    assert.ok(contracts.governor);
    assert.equal(await may("PROPOSER_ROLE", contracts.governor), true);
    assert.equal(await may("DEFAULT_ADMIN_ROLE", contracts.governor), false);
    assert.equal(await may("EXECUTOR_ROLE", ZeroAddress), true);
    assert.equal(await parameters.getFunction("guardian")(), ZeroAddress);
    const [, params] = await parameters.getFunction("current")();
    assert.equal(params.treasury, await timelock.getAddress());
    const governor = at(contracts.governor, "StakeGovernor");
    assert.equal(await governor.getFunction("token")(), contracts.staking);
    assert.equal(await governor.getFunction("timelock")(), await timelock.getAddress());
  });

  it("takes an address as governor, and deploys none", async () => {
    const governor = new Wallet(root("governor")).address;
    const { contracts } = await deploy({
      rpcUrl,
      deployer: DEPLOYER,
      parameters: "local",
      governor,
      pollingInterval: 20,
    });
    assert.equal(await at(contracts.parameters, "Parameters").getFunction("governor")(), governor);
    assert.equal(contracts.governor, undefined);
  });

  it("refuses a deployer without the probe amount, and says so", async () => {
    const { contracts } = await deployLocal({ rpcUrl, deployer: DEPLOYER });
    const poor = new Wallet(root("poor deployer"), provider);
    const funder = new Wallet(DEPLOYER, provider);
    await (await funder.sendTransaction({ to: poor.address, value: parseEther("1") })).wait();
    await assert.rejects(
      deploy({
        rpcUrl,
        deployer: poor.privateKey,
        parameters: "local",
        token: contracts.token,
        pollingInterval: 20,
      }),
      /holds 0 of the 1000000 base units of tUSD/,
    );
  });
});
