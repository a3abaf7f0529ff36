/** What the code of a deployment's contracts says, read from the chain: whose they are, and whom they speak to. */
import { type JsonRpcProvider, getAddress, getCreateAddress, id } from "ethers";

import { loadArtifact } from "./artifacts.ts";

export interface Finding {
  readonly what: string;
  readonly ok: boolean;
  /** What the chain says, to be shown where it is not what it should say. */
  readonly found: string;
}

/** Functions by which contracts elsewhere are owned or replaced; none of ours has one. */
const OWNERS = ["owner", "admin", "pendingOwner", "implementation", "getOwner"];
/** Where proxies keep implementation, admin and beacon (ERC-1967). */
const PROXY_SLOTS = ["implementation", "admin", "beacon"].map(
  (name) => BigInt(id(`eip1967.proxy.${name}`)) - 1n,
);
/** Storage slots that are looked through for the deployer: more than any contract declares. */
const SLOTS = 32;

/** Greater words among the immutables are addresses. */
const GREATEST_NUMBER = 1n << 128n;

const places = (name: string) =>
  Object.values(loadArtifact(name).immutableReferences ?? {})
    .flat()
    .map(({ start, length }) => [2 + 2 * start, 2 + 2 * (start + length)] as const);

/** Code with the values of immutables blanked, which differ between deployments. */
const blanked = (code: string, name: string): string =>
  places(name).reduce(
    (text, [from, to]) => text.slice(0, from) + "0".repeat(to - from) + text.slice(to),
    code.toLowerCase(),
  );

/** Addresses among the immutables in a code: whom the contract speaks to. */
const speaksTo = (code: string, name: string): string[] =>
  [...new Set(places(name).map(([from, to]) => code.slice(from, to)))]
    .filter((word) => BigInt(`0x${word}`) > GREATEST_NUMBER && word.startsWith("0".repeat(24)))
    .map((word) => getAddress(`0x${word.slice(24)}`));

const faultsOf = async (
  rpc: JsonRpcProvider,
  name: string,
  address: string,
  deployer: string,
  known: ReadonlySet<string>,
): Promise<string[]> => {
  const bare = deployer.slice(2).toLowerCase();
  const code = (await rpc.getCode(address)).toLowerCase();
  const words = await Promise.all(
    Array.from({ length: SLOTS }, (_, slot) => rpc.getStorage(address, slot)),
  );
  const proxy = await Promise.all(PROXY_SLOTS.map((slot) => rpc.getStorage(address, slot)));
  const answers = await Promise.all(
    OWNERS.map((owner) =>
      rpc.call({ to: address, data: id(`${owner}()`).slice(0, 10) }).catch(() => "0x"),
    ),
  );
  const strangers = speaksTo(code, name).filter((other) => !known.has(other));
  return [
    ...(blanked(code, name) === blanked(loadArtifact(name).deployedBytecode, name)
      ? []
      : ["it is not the compiled code"]),
    ...(strangers.length === 0 ? [] : [`it speaks to ${strangers.join(", ")}`]),
    ...(code.includes(bare) ? ["the deployer is in its code"] : []),
    ...(words.some((word) => word.toLowerCase().includes(bare))
      ? ["the deployer is in its storage"]
      : []),
    ...(proxy.some((word) => BigInt(word) !== 0n) ? ["it is a proxy"] : []),
    ...OWNERS.filter((_, at) => answers[at] !== "0x").map((owner) => `it answers ${owner}()`),
  ];
};

/** One finding for each contract. */
export const codeFindings = async (
  rpc: JsonRpcProvider,
  addresses: Readonly<Record<string, string>>,
  token: string,
  deployer: string,
): Promise<Finding[]> => {
  const findings: Finding[] = [];
  const from = addresses["Parameters"] ?? "";
  // The bounds, which its constructor wrote as code.
  const bounds = [1, 2].map((nonce) => getCreateAddress({ from, nonce }));
  const known = new Set([token, ...Object.values(addresses), ...bounds]);
  for (const [name, address] of Object.entries(addresses)) {
    const faults = await faultsOf(rpc, name, address, deployer, known);
    findings.push({
      what: `${name}: the compiled code, without owner or proxy, speaking to this deployment alone, and the deployer is nowhere in it`,
      ok: faults.length === 0,
      found: faults.join(", "),
    });
  }
  return findings;
};
