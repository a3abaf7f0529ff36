/** An EIP-1193 provider over JSON-RPC that signs with one key: what Ignition needs where the node holds no keys. */
import { type JsonRpcProvider, type TransactionRequest, Wallet } from "ethers";

interface Call {
  readonly method: string;
  readonly params?: readonly unknown[] | object;
}

interface EthTransaction extends TransactionRequest {
  readonly gas?: string;
  readonly nonce?: number;
}

export type SigningProvider = ReturnType<typeof signingProvider>;

/** `record` gets each signed transaction before the chain does. */
export function signingProvider(
  rpc: JsonRpcProvider,
  key: string,
  record: (raw: string) => void = () => undefined,
) {
  const wallet = new Wallet(key, rpc);
  return {
    address: wallet.address,
    async request({ method, params = [] }: Call): Promise<unknown> {
      if (method === "eth_accounts" || method === "eth_requestAccounts") return [wallet.address];
      if (method !== "eth_sendTransaction") {
        return rpc.send(method, params as unknown[]);
      }
      const [transaction] = params as readonly [EthTransaction];
      const { gas, ...rest } = transaction;
      const populated = await wallet.populateTransaction({
        ...rest,
        ...(gas === undefined ? {} : { gasLimit: gas }),
      });
      const raw = await wallet.signTransaction(populated);
      record(raw);
      return rpc.send("eth_sendRawTransaction", [raw]);
    },
  };
}
