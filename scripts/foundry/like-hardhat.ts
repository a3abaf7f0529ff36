/**
 * A Hardhat hook that makes a chain behind a URL answer as Hardhat's own does, so that the same tests run on both: a sent
 * transaction is answered once it is mined (anvil mines at once too, but answers before), gas is estimated for the next block (anvil
 * estimates in the last one, whose time a clock in storage may already have), and a revert names its error.
 */
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { Interface } from "ethers";
import type { NetworkHooks } from "hardhat/types/hooks";

const ARTIFACTS = join(import.meta.dirname, "../../.build/artifacts/contracts");
const SENDS = new Set(["eth_sendTransaction", "eth_sendRawTransaction"]);
const LOOK_AGAIN_MS = 5;
const GIVE_UP_MS = 60_000;

let errors: Interface | undefined;

/** Name of the error that data encodes, of all that the contracts declare. */
const nameOf = (data: unknown): string | undefined => {
  if (typeof data !== "string" || data.length < 10) return undefined;
  errors ??= new Interface(
    globSync("*/**/*.json", { cwd: ARTIFACTS }).flatMap((file) => {
      const { abi } = JSON.parse(readFileSync(join(ARTIFACTS, file), "utf8")) as {
        abi: { type: string }[];
      };
      return abi.filter(({ type }) => type === "error");
    }),
  );
  return errors.parseError(data)?.name;
};

export const likeHardhat = async (): Promise<Partial<NetworkHooks>> => ({
  async onRequest(context, connection, request, next) {
    if (connection.networkConfig.type !== "http") return next(context, connection, request);
    const { method, params } = request;
    const [call] = Array.isArray(params) ? (params as unknown[]) : [];
    const answer = await next(
      context,
      connection,
      method === "eth_estimateGas" ? { ...request, params: [call, "pending"] } : request,
    );
    if ("error" in answer) {
      const name = nameOf(answer.error.data);
      if (name === undefined) return answer;
      const message = `reverted with custom error '${name}'`;
      return { ...answer, error: { ...answer.error, message } };
    }
    if (!SENDS.has(method)) return answer;
    const automine = await next(context, connection, {
      ...request,
      method: "anvil_getAutomine",
      params: [],
    });
    // A test that puts several transactions in a block mines it itself.
    if ("result" in automine && automine.result === false) return answer;
    const end = Date.now() + GIVE_UP_MS;
    while (Date.now() < end) {
      const receipt = await next(context, connection, {
        ...request,
        method: "eth_getTransactionReceipt",
        params: [answer.result],
      });
      if ("result" in receipt && typeof receipt.result === "object" && receipt.result !== null) {
        return answer;
      }
      await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
    }
    throw new Error(`transaction ${String(answer.result)} was not mined in time`);
  },
});
