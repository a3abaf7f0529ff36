/** Where a command works: flags win over the environment, the environment over the market that `assay up` runs here. */
import { join } from "node:path";
import { createPublicClient, http, type PrivateKeyAccount } from "viem";
import { knownDeployment } from "@assay/protocol/domain/deployments";
import { AssayError } from "@assay/protocol/errors";
import type { Deployment } from "@assay/protocol/wire/api";
import { createAssay, type Assay } from "@assay/sdk";
import type { ContentStore } from "@assay/storage/content";
import { openContentStore } from "@assay/storage/open";
import { readEnvironment } from "../config.ts";
import { createOutput, type Output } from "../terminal/output.ts";
import { readAccount } from "./keys.ts";
import { assayHome, readLocalNetwork, type LocalNetwork } from "./network.ts";

/** Options that every command takes. */
export interface GlobalOptions {
  readonly json?: boolean;
  readonly api?: string;
  readonly rpc?: string;
  readonly key?: string;
}

export interface Session {
  readonly output: Output;
  readonly home: string;
  readonly local: LocalNetwork | undefined;
  readonly apiUrl: string | undefined;
  readonly rpcUrl: string;
  /** The client, signing with this command's key. */
  readonly assay: Assay;
  /** The client without a key, and without a market where there is none. */
  readonly reader: Assay;
  account(): PrivateKeyAccount;
  /** Content by hash: `source` is a folder or the URL of a gateway; default the market's. */
  content(source?: string): Promise<ContentStore>;
}

/** Which of the keys of `assay up` signs where none is named. */
export type DefaultKey = (network: LocalNetwork) => string | undefined;

const rpcMissing = (): AssayError =>
  new AssayError("USAGE_NO_NETWORK", "no market runs on this machine and none was named", {
    remedy:
      "start one with `assay up`, or give --rpc URL (and --api URL), or set ASSAY_RPC_URL and ASSAY_API_URL",
  });

/** Deployment for work with the chain alone. @throws `CHAIN_UNREACHABLE`, `DEPLOYMENT_UNKNOWN` */
const deploymentOf = async (rpcUrl: string): Promise<Deployment> => {
  let chainId: number;
  try {
    chainId = await createPublicClient({ transport: http(rpcUrl) }).getChainId();
  } catch (cause) {
    throw new AssayError("CHAIN_UNREACHABLE", `the chain at ${rpcUrl} does not answer`, {
      cause,
      retryable: true,
      remedy: "check the URL and that the node runs",
    });
  }
  return knownDeployment(chainId);
};

export const openSession = async (
  options: GlobalOptions,
  defaultKey: DefaultKey,
): Promise<Session> => {
  const environment = readEnvironment();
  const home = assayHome();
  const local = readLocalNetwork(home);
  const rpcUrl = options.rpc ?? environment.ASSAY_RPC_URL ?? local?.rpcUrl;
  if (rpcUrl === undefined) throw rpcMissing();
  // A chain of one's own choice is never mixed with the market of another.
  const ownChain = rpcUrl === local?.rpcUrl;
  const apiUrl = options.api ?? environment.ASSAY_API_URL ?? (ownChain ? local.apiUrl : undefined);
  const keyFile =
    options.key ?? environment.ASSAY_KEY_FILE ?? (ownChain ? defaultKey(local) : undefined);
  const deployment =
    apiUrl !== undefined ? undefined : ownChain ? local.deployment : await deploymentOf(rpcUrl);
  const base = {
    rpcUrl,
    ...(apiUrl === undefined ? {} : { apiUrl }),
    ...(deployment === undefined ? {} : { deployment }),
  };
  const account = (): PrivateKeyAccount => {
    if (keyFile === undefined) {
      throw new AssayError("USAGE_NO_KEY", "this command signs, and no key was named", {
        remedy: "give --key FILE or set ASSAY_KEY_FILE",
      });
    }
    return readAccount(keyFile);
  };
  const reader = createAssay(base);
  let signing: Assay | undefined;
  return {
    output: createOutput(options.json ?? false),
    home,
    local,
    apiUrl,
    rpcUrl,
    reader,
    get assay() {
      signing ??= createAssay({ ...base, account: account() });
      return signing;
    },
    account,
    content: (source = apiUrl) =>
      source === undefined
        ? openContentStore({ folder: join(home, "content") })
        : /^https?:/.test(source)
          ? openContentStore({ folder: join(home, "content"), gatewayUrl: source })
          : openContentStore({ folder: source }),
  };
};
