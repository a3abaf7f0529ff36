/** What must hold before the first transaction of a public deployment: nothing is spent on one that cannot end well. */
import { AssayError } from "@assay/protocol/errors";
import { Contract, type JsonRpcProvider, formatEther, formatUnits } from "ethers";

import { loadArtifact } from "./artifacts.ts";

/** Gas of a creation beside its code: transaction, constructor, the records that constructors write. */
const CREATION_GAS = 600_000n;
const GAS_PER_BYTE = 216n;
/** Room for gas that gets dearer while the deployment runs. */
const MARGIN = 2n;

export interface TokenFacts {
  readonly symbol: string;
  readonly decimals: number;
}

/** @throws `DEPLOY_CHAIN_UNREACHABLE`, `DEPLOY_WRONG_CHAIN` */
export const requireChain = async (
  rpc: JsonRpcProvider,
  rpcUrl: string,
  chainId: number,
): Promise<void> => {
  let found: number;
  try {
    found = Number(await rpc.send("eth_chainId", []));
  } catch (cause) {
    throw new AssayError("DEPLOY_CHAIN_UNREACHABLE", `the chain at ${rpcUrl} does not answer`, {
      cause,
      retryable: true,
      remedy: "check --rpc and that the node runs, then type the same command again",
    });
  }
  if (found === chainId) return;
  throw new AssayError(
    "DEPLOY_WRONG_CHAIN",
    `the parameters are for chain ${chainId}, and ${rpcUrl} is chain ${found}`,
    {
      remedy:
        "give the --rpc URL of the chain that the parameters name, or correct network.chainId",
      details: { expected: chainId, found },
    },
  );
};

const tokenError = (code: string, message: string, remedy: string, cause?: unknown): AssayError =>
  new AssayError(code, message, { remedy, ...(cause === undefined ? {} : { cause }) });

const ANOTHER_TOKEN =
  "name a plain ERC-20 token in network.token: one that moves exactly the amount that it is told to";

/**
 * Reads the token, and moves `probe` of the deployer's to and fro in a simulated call.
 * @throws `DEPLOY_TOKEN_MISSING`, `DEPLOY_TOKEN_NONSTANDARD`, `DEPLOY_TOKEN_SHORT`
 */
export const requireToken = async (
  rpc: JsonRpcProvider,
  token: string,
  holder: string,
  market: string,
  probe: bigint,
): Promise<TokenFacts> => {
  if ((await rpc.getCode(token)) === "0x") {
    throw tokenError(
      "DEPLOY_TOKEN_MISSING",
      `there is no contract at ${token}, which the parameters name as the token`,
      "correct network.token, or the chain",
    );
  }
  const contract = new Contract(token, loadArtifact("TestToken").abi, rpc);
  const read = async (name: string, ...args: string[]): Promise<unknown> => {
    try {
      return await contract.getFunction(name)(...args);
    } catch (cause) {
      throw tokenError(
        "DEPLOY_TOKEN_NONSTANDARD",
        `the token at ${token} does not answer ${name}()`,
        ANOTHER_TOKEN,
        cause,
      );
    }
  };
  const facts = { symbol: String(await read("symbol")), decimals: Number(await read("decimals")) };
  if (facts.decimals > 36) {
    throw tokenError(
      "DEPLOY_TOKEN_NONSTANDARD",
      `${facts.symbol} has ${facts.decimals} decimals: 36 are the most that prices can be told in`,
      ANOTHER_TOKEN,
    );
  }
  const held = BigInt(String(await read("balanceOf", holder)));
  if (held < probe) {
    const [has, needs] = [held, probe].map((sum) => formatUnits(sum, facts.decimals));
    throw tokenError(
      "DEPLOY_TOKEN_SHORT",
      `${holder} holds ${has} of the ${needs} ${facts.symbol} that the market moves to and fro once`,
      `send it ${formatUnits(probe - held, facts.decimals)} ${facts.symbol} more; they stay its own`,
    );
  }
  await requirePlain(rpc, token, facts.symbol, holder, market, probe);
  return facts;
};

const requirePlain = async (
  rpc: JsonRpcProvider,
  token: string,
  symbol: string,
  holder: string,
  market: string,
  probe: bigint,
): Promise<void> => {
  const { abi, deployedBytecode: code } = loadArtifact("TokenProbe");
  const { interface: probing } = new Contract(holder, abi);
  const data = probing.encodeFunctionData("toAndFro", [token, market, probe]);
  const lent = { [holder]: { code }, [market]: { code } };
  let answer: unknown;
  try {
    answer = await rpc.send("eth_call", [{ from: holder, to: holder, data }, "latest", lent]);
  } catch (cause) {
    // A node that cannot simulate with lent code says so with another code than a revert; the market's constructor probes anyway.
    const { code: number } = (cause as { error?: { code?: number } }).error ?? {};
    if (number === -32602 || number === -32601) return;
    throw tokenError(
      "DEPLOY_TOKEN_NONSTANDARD",
      `${symbol} refuses to be moved to and fro`,
      ANOTHER_TOKEN,
      cause,
    );
  }
  const [plain] = probing.decodeFunctionResult("toAndFro", String(answer)) as unknown as [boolean];
  if (plain) return;
  throw tokenError(
    "DEPLOY_TOKEN_NONSTANDARD",
    `${symbol} moves another amount than it is told to: it takes a fee, or its balances change by themselves`,
    ANOTHER_TOKEN,
  );
};

/** Checks that the key can pay for the contracts that are still to make. @throws `DEPLOY_FUNDS_SHORT` */
export const requireFunds = async (
  rpc: JsonRpcProvider,
  deployer: string,
  names: readonly string[],
): Promise<void> => {
  const { gasPrice, maxFeePerGas } = await rpc.getFeeData();
  const price = maxFeePerGas ?? gasPrice ?? 0n;
  const gas = names
    .map((name) => CREATION_GAS + GAS_PER_BYTE * BigInt(loadArtifact(name).bytecode.length / 2))
    .reduce((sum, one) => sum + one, 0n);
  const needed = gas * price * MARGIN;
  const balance = await rpc.getBalance(deployer);
  if (balance >= needed) return;
  throw new AssayError(
    "DEPLOY_FUNDS_SHORT",
    `${deployer} has ${formatEther(balance)} of the chain's coin, and up to ${formatEther(needed)} are needed for gas`,
    {
      retryable: true,
      remedy: `send it ${formatEther(needed - balance)} more, then type the same command again; what is left stays its own`,
      details: { balance: balance.toString(), needed: needed.toString(), gas: gas.toString() },
    },
  );
};
