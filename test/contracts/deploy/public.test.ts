import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, describe, it } from "node:test";

import { isAssayError } from "@assay/protocol/errors";
import {
  ContractFactory,
  Contract,
  JsonRpcProvider,
  NonceManager,
  Transaction,
  Wallet,
  getCreateAddress,
  parseEther,
  toBeHex,
} from "ethers";

import { loadArtifact } from "../../../deploy/artifacts.ts";
import { localKey } from "../../../deploy/local-accounts.ts";
import { ASSAY_TRANSACTIONS } from "../../../deploy/modules/assay.ts";
import { readParameters } from "../../../deploy/parameters.ts";
import { checkPublic, deployPublic, type PublicOptions } from "../../../deploy/public.ts";
import { readSent } from "../../../deploy/sent.ts";
import { type Anvil, startAnvil } from "../../support/anvil.ts";
import { deployApart, kill, killAt, until } from "../support/deploying.ts";

const CHAIN = 84_530;
const PROBE = 1_000_000n;
const GUARDIAN = "0x000000000000000000000000000000000000beef";
/** Timelock, approval, the contracts of the market and of its game, governor. */
const TRANSACTIONS = ASSAY_TRANSACTIONS + 2;
const MAIN = join(import.meta.dirname, "../../../deploy/main.ts");
const PUBLIC = readParameters("public");

const compiler = createRequire(import.meta.url)("solc") as { compile(input: string): string };

describe("deployment to a public network", () => {
  let anvil: Anvil;
  let rpc: JsonRpcProvider;
  let minter: NonceManager;
  let token: Contract;
  let folder: string;

  const make = async (name: string): Promise<Contract> => {
    const { abi, bytecode } = loadArtifact(name);
    const made = await new ContractFactory(abi as [], bytecode, minter).deploy();
    return (await made.waitForDeployment()) as Contract;
  };

  /** A key that nobody knew before, with coin for gas and the probe of a token. */
  const operator = async (coin = parseEther("10"), of = token): Promise<Wallet> => {
    const wallet = new Wallet(Wallet.createRandom().privateKey, rpc);
    await rpc.send("anvil_setBalance", [wallet.address, toBeHex(coin)]);
    await (await of.getFunction("mint")(wallet.address, PROBE)).wait();
    return wallet;
  };

  /** A parameters file for this chain. */
  const fileOf = async (network: object = {}): Promise<string> => {
    const file = join(folder, `parameters-${Math.random().toString(36).slice(2)}.json`);
    const named = { chainId: CHAIN, token: await token.getAddress(), guardian: GUARDIAN };
    const whole = { ...PUBLIC, network: { ...named, treasury: null, ...network } };
    writeFileSync(file, JSON.stringify(whole));
    return file;
  };

  const optionsOf = async (wallet: Wallet, more: Partial<PublicOptions> = {}) => ({
    rpcUrl: anvil.url,
    deployer: wallet.privateKey,
    parameters: await fileOf(),
    out: join(folder, wallet.address),
    pollingInterval: 20,
    ...more,
  });

  const refused = async (sent: Promise<unknown>, code: string): Promise<void> => {
    await assert.rejects(sent, (error: unknown) => {
      assert.ok(isAssayError(error), String(error));
      assert.equal(error.code, code, error.message);
      assert.ok(error.remedy !== undefined && error.remedy !== "", "says what to do");
      return true;
    });
  };

  before(async () => {
    anvil = await startAnvil(["--chain-id", String(CHAIN)]);
    rpc = new JsonRpcProvider(anvil.url, undefined, { cacheTimeout: -1, staticNetwork: true });
    rpc.pollingInterval = 20;
    minter = new NonceManager(new Wallet(localKey(0), rpc));
    token = await make("TestToken");
    folder = mkdtempSync(join(tmpdir(), "assay-public-"));
  });
  beforeEach(() => minter.reset());
  after(async () => {
    rpc.destroy();
    await anvil.close();
    rmSync(folder, { recursive: true });
  });

  describe("that nothing goes wrong with", () => {
    let wallet: Wallet;
    let options: PublicOptions;
    let made: Awaited<ReturnType<typeof deployPublic>>;

    before(async () => {
      wallet = await operator();
      options = await optionsOf(wallet);
      made = await deployPublic(options);
    });

    it("makes every contract, and takes nothing but gas from the deployer", async () => {
      assert.equal(await rpc.getTransactionCount(wallet.address), TRANSACTIONS);
      assert.equal(await token.getFunction("balanceOf")(wallet.address), PROBE);
      const written: unknown = JSON.parse(
        readFileSync(join(options.out, "deployment.json"), "utf8"),
      );
      assert.deepEqual(written, made.deployment);
      assert.equal(made.deployment.chainId, CHAIN);
    });

    it("leaves the deployer no power, as anyone can read on the chain", async () => {
      const wrong = made.findings.filter(({ ok }) => !ok);
      assert.deepEqual(wrong, []);
      const { deployment, addresses } = made;
      const { rpcUrl, parameters } = options;
      const deployer = wallet.address;
      const again = await checkPublic({ rpcUrl, parameters, deployer, deployment, addresses });
      assert.deepEqual(again, made.findings);
      for (const name of Object.keys(addresses)) {
        assert.ok(
          made.findings.some(({ what }) => what.startsWith(`${name}: `)),
          name,
        );
      }
    });

    it("is refused what it could do before: pause, parameters, the timelock", async () => {
      const { addresses, deployment } = made;
      const attempt = (name: string, address: string, call: string, ...args: unknown[]) => {
        const { abi } = loadArtifact(name);
        return new Contract(address, abi as [], wallet).getFunction(call).staticCall(...args);
      };
      const { parameters } = deployment.contracts;
      const errors = async (sent: Promise<unknown>, name: string): Promise<void> => {
        await assert.rejects(sent, (error: { revert?: { name?: string } }) => {
          assert.equal(error.revert?.name, name);
          return true;
        });
      };
      await errors(attempt("Parameters", parameters, "pause", 1), "ParametersNotGuardian");
      await errors(
        attempt("Parameters", parameters, "setGuardian", wallet.address),
        "ParametersNotGovernor",
      );
      const grant = [`0x${"00".repeat(32)}`, wallet.address];
      await errors(
        attempt("Timelock", addresses["Timelock"] ?? "", "grantRole", ...grant),
        "AccessControlUnauthorizedAccount",
      );
    });

    it("writes for explorers what compiles to the code that was sent", async () => {
      const creations = new Map(
        readSent(join(options.out, "journal"))
          .map(({ raw }) => Transaction.from(raw))
          .map(({ from, nonce, data }) => [getCreateAddress({ from: from ?? "", nonce }), data]),
      );
      for (const name of ["Parameters", "Reputation"]) {
        const at = join(options.out, "verification");
        const {
          contract,
          address,
          constructorArguments,
          standardJsonInput,
          compiler: version,
        } = JSON.parse(readFileSync(join(at, `${name}.json`), "utf8")) as Record<string, string>;
        assert.match(version ?? "", /^v0\.8\.\d+\+commit\.[0-9a-f]{8}/);
        const input = JSON.parse(readFileSync(join(at, standardJsonInput ?? ""), "utf8")) as {
          settings: object;
        };
        const source = (contract ?? "").slice(0, -name.length - 1);
        const outputSelection = { [source]: { [name]: ["evm.bytecode.object"] } };
        const output = JSON.parse(
          compiler.compile(
            JSON.stringify({ ...input, settings: { ...input.settings, outputSelection } }),
          ),
        ) as {
          contracts: Record<string, Record<string, { evm: { bytecode: { object: string } } }>>;
        };
        const code = output.contracts[source]?.[name]?.evm.bytecode.object;
        assert.equal(`0x${code}${constructorArguments}`, creations.get(address ?? ""), name);
      }
      for (const name of Object.keys(made.addresses)) {
        assert.ok(existsSync(join(options.out, "verification", `${name}.input.json`)), name);
      }
    });

    it("does nothing the second time", async () => {
      const again = await deployPublic(options);
      assert.deepEqual(again.addresses, made.addresses);
      assert.deepEqual(again.deployment, made.deployment);
      assert.equal(await rpc.getTransactionCount(wallet.address), TRANSACTIONS);
    });

    it("does not go on with other parameters, or another key, in its folder", async () => {
      const others = await fileOf({ guardian: null });
      await refused(deployPublic({ ...options, parameters: others }), "DEPLOY_OTHER_DEPLOYMENT");
      const other = await operator();
      await refused(
        deployPublic({ ...options, deployer: other.privateKey }),
        "DEPLOY_OTHER_DEPLOYMENT",
      );
    });
  });

  it("goes on where it was when it is killed, wherever that is", async () => {
    const wallet = await operator();
    const out = join(folder, "killed");
    const key = join(folder, "key");
    writeFileSync(key, wallet.privateKey);
    const parameters = await fileOf();
    const start = (): ChildProcess =>
      spawn(
        process.execPath,
        [
          MAIN,
          "run",
          "--parameters",
          parameters,
          "--rpc",
          anvil.url,
          "--key",
          key,
          "--out",
          out,
          "--poll",
          "20",
        ],
        { stdio: ["ignore", "ignore", "pipe"] },
      );
    let stderr = "";
    const heard = (): ChildProcess => {
      const child = start();
      child.stderr?.on("data", (text: Buffer) => (stderr += text.toString()));
      return child;
    };
    for (const count of [1, 5, 11]) {
      const { signalCode } = await killAt(rpc, count, { child: heard, sender: wallet.address });
      assert.equal(signalCode, "SIGKILL", stderr);
    }
    const last = heard();
    await once(last, "exit");
    assert.equal(last.exitCode, 0, stderr);
    assert.equal(await rpc.getTransactionCount(wallet.address), TRANSACTIONS);
  });

  it("goes on after a transaction that was signed and never arrived", async () => {
    const wallet = await operator();
    const options = await optionsOf(wallet);
    // The chain takes transactions and does not mine: what is sent is lost when the pool is emptied.
    await rpc.send("evm_setAutomine", [false]);
    const begun = deployApart(options);
    await until(begun, async () => (await rpc.getTransactionCount(wallet.address, "pending")) > 0);
    await kill(begun);
    await rpc.send("anvil_dropAllTransactions", []);
    await rpc.send("evm_setAutomine", [true]);
    assert.equal(await rpc.getTransactionCount(wallet.address), 0);
    const { findings } = await deployPublic(options);
    assert.ok(findings.every(({ ok }) => ok));
    assert.equal(await rpc.getTransactionCount(wallet.address), TRANSACTIONS);
  });

  it("refuses to go on when the key has sent something else meanwhile", async () => {
    const wallet = await operator();
    const options = await optionsOf(wallet);
    await killAt(rpc, 3, { child: () => deployApart(options), sender: wallet.address });
    await (await wallet.sendTransaction({ to: GUARDIAN, value: 1n })).wait();
    await refused(deployPublic(options), "DEPLOY_NONCE_TAKEN");
  });

  describe("refuses before anything is spent", () => {
    let wallet: Wallet;
    before(async () => {
      wallet = await operator();
    });
    const refuses = async (more: Partial<PublicOptions>, code: string): Promise<void> => {
      await refused(deployPublic(await optionsOf(wallet, more)), code);
      assert.equal(await rpc.getTransactionCount(wallet.address), 0);
    };

    it("another chain than the parameters name", async () => {
      await refuses({ parameters: await fileOf({ chainId: 1 }) }, "DEPLOY_WRONG_CHAIN");
    });
    it("a chain that does not answer", async () => {
      await refuses({ rpcUrl: "http://127.0.0.1:9" }, "DEPLOY_CHAIN_UNREACHABLE");
    });
    it("a parameters file without chain or token, or with a wrong number", async () => {
      await refuses({ parameters: "public" }, "DEPLOY_PARAMETERS_INCOMPLETE");
      await refuses({ parameters: join(folder, "none.json") }, "DEPLOY_PARAMETERS_BAD");
      const parameters = join(folder, "wrong.json");
      const first = { ...PUBLIC.first, burnBps: 1 };
      writeFileSync(parameters, JSON.stringify({ ...PUBLIC, first }));
      await refuses({ parameters }, "DEPLOY_PARAMETERS_BAD");
      // A replica that is shown first must be open to a challenge when the last one is shown.
      const min = { ...PUBLIC.min, challengeWindow: 2 * PUBLIC.max.revealTime - 1 };
      writeFileSync(parameters, JSON.stringify({ ...PUBLIC, min }));
      await refuses({ parameters }, "DEPLOY_PARAMETERS_BAD");
    });
    it("a token that is not there, or is no token", async () => {
      await refuses({ parameters: await fileOf({ token: GUARDIAN }) }, "DEPLOY_TOKEN_MISSING");
      const other = await (await make("Batch")).getAddress();
      await refuses({ parameters: await fileOf({ token: other }) }, "DEPLOY_TOKEN_NONSTANDARD");
    });
    it("a token that takes a fee, on either side", async () => {
      const fee = await make("FeeToken");
      await (await fee.getFunction("mint")(wallet.address, PROBE)).wait();
      const parameters = await fileOf({ token: await fee.getAddress() });
      await (await fee.getFunction("setFee")(100)).wait();
      await refuses({ parameters }, "DEPLOY_TOKEN_NONSTANDARD");
      await (await fee.getFunction("setFee")(0)).wait();
      await (await fee.getFunction("setSurcharge")(100)).wait();
      await refuses({ parameters }, "DEPLOY_TOKEN_NONSTANDARD");
    });
    it("a token whose transfers fail, and one whose balances change by themselves", async () => {
      const odd = await make("OddToken");
      await (await odd.getFunction("mint")(wallet.address, PROBE)).wait();
      await (await odd.getFunction("setFails")(true)).wait();
      await refuses(
        { parameters: await fileOf({ token: await odd.getAddress() }) },
        "DEPLOY_TOKEN_NONSTANDARD",
      );
      const rebasing = await make("RebasingToken");
      await (await rebasing.getFunction("mint")(wallet.address, PROBE)).wait();
      await (await rebasing.getFunction("setIndex")(11n * 10n ** 17n)).wait();
      await refuses(
        { parameters: await fileOf({ token: await rebasing.getAddress() }) },
        "DEPLOY_TOKEN_NONSTANDARD",
      );
    });
    it("a deployer that holds too little of the token, or of the chain's coin", async () => {
      const none = new Wallet(Wallet.createRandom().privateKey, rpc);
      await refused(deployPublic(await optionsOf(none)), "DEPLOY_TOKEN_SHORT");
      const poor = await operator(1_000n);
      await refused(deployPublic(await optionsOf(poor)), "DEPLOY_FUNDS_SHORT");
    });
    it("to give the deployer a power", async () => {
      const guardian = wallet.address;
      await refuses({ parameters: await fileOf({ guardian }) }, "DEPLOY_POWER_FOR_DEPLOYER");
      const treasury = wallet.address;
      await refuses({ parameters: await fileOf({ treasury }) }, "DEPLOY_POWER_FOR_DEPLOYER");
    });
  });
});
