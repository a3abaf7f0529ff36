/** Syntax trees of Solidity sources, from the compiler of the lockfile. */
import { createRequire } from "node:module";

/** The parts of a node that instrumenting looks at. */
export interface Node {
  readonly nodeType: string;
  /** `start:length:file`, in bytes. */
  readonly src: string;
  readonly name?: string;
  readonly operator?: string;
  readonly nodes?: readonly Node[];
  readonly statements?: readonly Node[];
  readonly body?: Node | null;
  readonly block?: Node;
  readonly condition?: Node | null;
  readonly trueBody?: Node;
  readonly falseBody?: Node | null;
  readonly trueExpression?: Node;
  readonly falseExpression?: Node;
  readonly leftExpression?: Node;
  readonly rightExpression?: Node;
  readonly components?: readonly Node[];
  readonly expression?: Node;
  readonly arguments?: readonly Node[];
}

interface Compiler {
  readonly compile: (input: string, callbacks: object) => string;
}

interface Output {
  readonly errors?: readonly { readonly severity: string; readonly formattedMessage: string }[];
  readonly sources?: Readonly<Record<string, { readonly ast: Node }>>;
}

/** Parses sources by name; imports are not followed. */
export const parseSolidity = (
  sources: Readonly<Record<string, string>>,
): ReadonlyMap<string, Node> => {
  const solc = createRequire(import.meta.url)("solc") as Compiler;
  const input = {
    language: "Solidity",
    sources: Object.fromEntries(
      Object.entries(sources).map(([name, content]) => [name, { content }]),
    ),
    settings: { stopAfter: "parsing", outputSelection: { "*": { "": ["ast"] } } },
  };
  const output = JSON.parse(
    solc.compile(JSON.stringify(input), { import: () => ({ contents: "" }) }),
  ) as Output;
  const errors = output.errors?.filter(({ severity }) => severity === "error") ?? [];
  if (errors.length > 0) throw new Error(errors.map((error) => error.formattedMessage).join("\n"));
  return new Map(
    Object.keys(sources).map((name) => {
      const ast = output.sources?.[name]?.ast;
      if (ast === undefined) throw new Error(`${name}: the compiler gave no syntax tree`);
      return [name, ast];
    }),
  );
};
