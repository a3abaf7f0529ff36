/** What Hardhat compiled, in the form that a compiler answers in: one build, run on two implementations of the chain. */
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** Kept by `hardhat build` and `hardhat test solidity`. */
const FOLDERS = [".build/artifacts", ".build/cache/test-artifacts"];

interface Artifact {
  readonly contractName: string;
  readonly sourceName: string;
  readonly inputSourceName: string;
  readonly buildInfoId: string;
  readonly abi: readonly unknown[];
  readonly bytecode: string;
  readonly deployedBytecode: string;
  readonly linkReferences: object;
  readonly deployedLinkReferences: object;
  readonly immutableReferences: object;
}

export type Sources = Readonly<Record<string, { readonly content: string }>>;

interface BuildInfo {
  readonly input: { readonly sources: Sources };
}

interface BuildOutput {
  readonly output: {
    readonly contracts: Record<
      string,
      Record<string, { readonly evm: { readonly methodIdentifiers: object } }>
    >;
  };
}

interface CompilerOutput {
  readonly sources: Record<string, { readonly id: number }>;
  readonly contracts: Record<string, Record<string, object>>;
}

const readJson = (path: string): unknown => JSON.parse(readFileSync(path, "utf8"));

/** Compiled code without `0x`, as a compiler prints it. */
const bare = (code: string): string => code.replace(/^0x/, "");

/**
 * Answers the standard JSON input of a compiler with what Hardhat made of the same sources. Nothing is said about a source
 * that Hardhat has not compiled, or of which it compiled another text.
 */
export const answerFromHardhat = (root: string, sources: Sources): CompilerOutput => {
  const builds = new Map<string, { info: BuildInfo; output: BuildOutput }>();
  const contracts: Record<string, Record<string, object>> = {};
  for (const folder of FOLDERS) {
    const buildOf = (id: string) => {
      const path = join(root, folder, "build-info", id);
      const read = builds.get(path) ?? {
        info: readJson(`${path}.json`) as BuildInfo,
        output: readJson(`${path}.output.json`) as BuildOutput,
      };
      builds.set(path, read);
      return read;
    };
    for (const file of globSync("{contracts,test/contracts}/**/*.json", {
      cwd: join(root, folder),
    })) {
      const artifact = readJson(join(root, folder, file)) as Artifact;
      const { sourceName: name, inputSourceName: inputName } = artifact;
      const wanted = sources[name];
      if (wanted === undefined) continue;
      const { info, output } = buildOf(artifact.buildInfoId);
      if (info.input.sources[inputName]?.content !== wanted.content) continue;
      (contracts[name] ??= {})[artifact.contractName] = {
        abi: artifact.abi,
        evm: {
          bytecode: {
            object: bare(artifact.bytecode),
            linkReferences: artifact.linkReferences,
          },
          deployedBytecode: {
            object: bare(artifact.deployedBytecode),
            linkReferences: artifact.deployedLinkReferences,
            immutableReferences: artifact.immutableReferences,
          },
          methodIdentifiers:
            output.output.contracts[inputName]?.[artifact.contractName]?.evm.methodIdentifiers ??
            {},
        },
      };
    }
  }
  const names = Object.keys(sources);
  return {
    sources: Object.fromEntries(names.map((name, id) => [name, { id }])),
    contracts,
  };
};
