import assert from "node:assert/strict";
import { after, before, beforeEach, describe, it } from "node:test";

import {
  Contract,
  ContractFactory,
  JsonRpcProvider,
  NonceManager,
  type Result,
  Wallet,
  ZeroAddress,
  parseEther,
  toBeHex,
} from "ethers";

import { loadArtifact } from "../../../deploy/artifacts.ts";
import type { Finding } from "../../../deploy/code.ts";
import { deployWith } from "../../../deploy/deploy.ts";
import { localKey } from "../../../deploy/local-accounts.ts";
import { readParameters } from "../../../deploy/parameters.ts";
import { readPowers } from "../../../deploy/powers.ts";
import { type Anvil, startAnvil } from "../../support/anvil.ts";

const GUARDIAN = "0x000000000000000000000000000000000000bEEF";
const PUBLIC = readParameters("public");

type Addresses = Readonly<Record<string, string>>;
type Powers = { guardian?: string; treasury?: string; governor?: string };

describe("the check of powers", () => {
  let anvil: Anvil;
  let rpc: JsonRpcProvider;
  let minter: NonceManager;
  let token: Contract;

  before(async () => {
    anvil = await startAnvil([]);
    rpc = new JsonRpcProvider(anvil.url, undefined, { cacheTimeout: -1, staticNetwork: true });
    rpc.pollingInterval = 20;
    minter = new NonceManager(new Wallet(localKey(0), rpc));
    const { abi, bytecode } = loadArtifact("TestToken");
    const made = await new ContractFactory(abi as [], bytecode, minter).deploy();
    token = (await made.waitForDeployment()) as Contract;
  });
  beforeEach(() => minter.reset());
  after(async () => {
    rpc.destroy();
    await anvil.close();
  });

  /** Sends as a contract, which has no key. */
  const sendAs = async (from: string, to: string, data: string): Promise<void> => {
    await rpc.send("anvil_impersonateAccount", [from]);
    await rpc.send("anvil_setBalance", [from, toBeHex(parseEther("1"))]);
    const hash = (await rpc.send("eth_sendTransaction", [{ from, to, data }])) as string;
    assert.equal((await rpc.waitForTransaction(hash))?.status, 1);
  };

  /** What is found of a deployment with these powers, against a file that names `guardian`. */
  const findingsOf = async (
    give: (wallet: Wallet) => Powers,
    change: (addresses: Addresses, wallet: Wallet) => Promise<void>,
    guardian: string = ZeroAddress,
  ): Promise<readonly Finding[]> => {
    const wallet = new Wallet(Wallet.createRandom().privateKey, rpc);
    await rpc.send("anvil_setBalance", [wallet.address, toBeHex(parseEther("10"))]);
    await (await token.getFunction("mint")(wallet.address, PUBLIC.probe)).wait();
    const made = await deployWith(rpc, PUBLIC, {
      deployer: wallet.privateKey,
      token: await token.getAddress(),
      pollingInterval: 20,
      ...give(wallet),
    });
    await change(made.addresses, wallet);
    return readPowers(rpc, {
      ...made,
      addresses: { Timelock: wallet.address, ...made.addresses },
      deployer: wallet.address,
      guardian,
      treasury: undefined,
      file: PUBLIC,
    }).catch((error: unknown) => [{ what: String(error), ok: false, found: "" }]);
  };

  const wrongWith = async (
    give: (wallet: Wallet) => Powers,
    change: (addresses: Addresses, wallet: Wallet) => Promise<void> = () => Promise.resolve(),
  ): Promise<string> =>
    (await findingsOf(give, change))
      .filter(({ ok }) => !ok)
      .map(({ what, found }) => `${what}: ${found}`)
      .join("\n");

  it("tells what votes have changed since", async () => {
    const findings = await findingsOf(
      () => ({ guardian: GUARDIAN }),
      async (addresses) => {
        const [timelock = "", at = ""] = [addresses["Timelock"], addresses["Parameters"]];
        const parameters = new Contract(at, loadArtifact("Parameters").abi as [], rpc);
        const [, first] = (await parameters.getFunction("current")()) as [bigint, Result];
        const changed = { ...first.toObject(), challengeWindow: 172_800n };
        const { interface: calls } = parameters;
        await sendAs(timelock, at, calls.encodeFunctionData("add", [changed]));
        await sendAs(timelock, at, calls.encodeFunctionData("setGuardian", [ZeroAddress]));
      },
      GUARDIAN,
    );
    const wrong = findings.filter(({ ok }) => !ok);
    assert.deepEqual(wrong, []);
    const told = findings.map(({ what }) => what);
    assert.ok(
      told.includes("parameters: version 2 is in force, by vote: challengeWindow 86400 → 172800"),
      told.join("\n"),
    );
    assert.ok(told.includes("parameters: nobody can pause, by vote"), told.join("\n"));
  });

  it("sees a guardian, a treasury and stray code of the deployer's", async () => {
    const wrong = await wrongWith(({ address }) => ({ guardian: address, treasury: address }));
    assert.match(wrong, /nobody can pause/);
    assert.match(wrong, /others: treasury/);
    assert.match(wrong, /Parameters: .*the deployer is in its storage/);
  });

  it("sees a role in the timelock that was given later", async () => {
    const wrong = await wrongWith(
      () => ({}),
      async (addresses, wallet) => {
        const timelock = addresses["Timelock"] ?? "";
        const contract = new Contract(timelock, loadArtifact("Timelock").abi as [], rpc);
        const role: unknown = await contract.getFunction("PROPOSER_ROLE")();
        const data = contract.interface.encodeFunctionData("grantRole", [role, wallet.address]);
        await sendAs(timelock, timelock, data);
      },
    );
    assert.match(wrong, /PROPOSER_ROLE is held by .* alone: .*and the deployer/);
  });

  it("sees a contract that is not the compiled one", async () => {
    const wrong = await wrongWith(
      () => ({}),
      async (addresses) => {
        const code = await rpc.getCode(addresses["Staking"] ?? "");
        await rpc.send("anvil_setCode", [addresses["Referee"], code]);
      },
    );
    assert.match(wrong, /Referee: .*it is not the compiled code/);
  });
});
