import { Visitor, parseSync } from "oxc-parser";

import { lineAt } from "./files.ts";

export type Source = {
  /** Every module named by an import, an export-from, a dynamic import or an import type. */
  imports: { specifier: string; line: number }[];
  /** The lines that read the environment of the process. */
  environmentReads: number[];
};

const isNamed = (node: { type: string }, name: string): boolean =>
  ("name" in node && node.name === name) || ("value" in node && node.value === name);

const literal = (text: string): string | undefined => /^(["'`])(.*)\1$/s.exec(text)?.[2];

/** Reads what the rules need to know of one TypeScript or JavaScript file. */
export const parseSource = (file: string, text: string): Source => {
  const { module, program } = parseSync(file, text);
  const imports: Source["imports"] = [];
  const environmentReads: number[] = [];
  const add = (specifier: string | undefined, offset: number): void => {
    if (specifier !== undefined) imports.push({ specifier, line: lineAt(text, offset) });
  };

  for (const { start, moduleRequest, entries } of module.staticImports) {
    add(moduleRequest.value, start);
    const takesEnvironment = entries.some(({ importName }) => importName.name === "env");
    if (takesEnvironment && /^(node:)?process$/.test(moduleRequest.value)) {
      environmentReads.push(lineAt(text, start));
    }
  }
  for (const { start, entries } of module.staticExports) {
    add(entries.find(({ moduleRequest }) => moduleRequest)?.moduleRequest?.value, start);
  }
  for (const { start, moduleRequest } of module.dynamicImports) {
    add(literal(text.slice(moduleRequest.start, moduleRequest.end)), start);
  }
  new Visitor({
    TSImportType: ({ source, start }) => add(source.value, start),
    MemberExpression: ({ object, property, start }) => {
      const isProcess =
        isNamed(object, "process") ||
        (object.type === "MemberExpression" && isNamed(object.property, "process"));
      if (isProcess && isNamed(property, "env")) environmentReads.push(lineAt(text, start));
    },
    VariableDeclarator: ({ id, init, start }) => {
      if (init === null || !isNamed(init, "process") || id.type !== "ObjectPattern") return;
      const names = id.properties.map((entry) => ("key" in entry ? entry.key : undefined));
      if (names.some((key) => key !== undefined && isNamed(key, "env"))) {
        environmentReads.push(lineAt(text, start));
      }
    },
  }).visit(program);
  return { imports, environmentReads };
};
