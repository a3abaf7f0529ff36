import { isBuiltin } from "node:module";
import { join, normalize } from "node:path";

import { declaredNames, matchingFiles, readManifest, readText } from "./files.ts";
import type { Finding, Rule } from "./rule.ts";
import { parseSource } from "./source.ts";

/** A package imports only packages of lower layers; the same layer meets on the chain and over HTTP. */
const LAYER: Readonly<Record<string, number>> = {
  protocol: 0,
  runtime: 1,
  storage: 1,
  engine: 1,
  sdk: 1,
  market: 2,
  provider: 2,
  watcher: 2,
  web: 3,
  cli: 3,
};

/** Narrower than the layer: these also run in browsers, or are installed without the rest. */
const ALLOWED_ONLY: Readonly<Record<string, readonly string[]>> = {
  sdk: ["protocol"],
  web: ["protocol", "sdk"],
};

/** Packages that browsers load: no Node module may be reached from them. */
const BROWSER_SAFE = new Set(["protocol", "sdk"]);

const isTest = (file: string): boolean => /\.test\.tsx?$/.test(file);

/** `@scope/name/sub` and `name/sub` without the part below the package. */
const packageOf = (specifier: string): string =>
  specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");

const judgeRelative = (file: string, own: string, specifier: string): string | undefined => {
  const target = normalize(join(file, "..", specifier));
  if (target.startsWith(`services/${own}/`)) return undefined;
  if (isTest(file) && target.startsWith("test/support/")) return undefined;
  // `assay up` puts a whole market together, contracts included.
  if (own === "cli" && target.startsWith("deploy/")) return undefined;
  return `leaves its package by a path (${specifier}); import another package by its name`;
};

const judgePackage = (own: string, other: string): string | undefined => {
  const [ownLayer, otherLayer] = [LAYER[own], LAYER[other]];
  if (otherLayer === undefined) return `imports @assay/${other}, which has no layer`;
  const only = ALLOWED_ONLY[own];
  if (only && !only.includes(other)) {
    return `imports @assay/${other}; ${own} may import only ${only.join(" and ")}`;
  }
  if (ownLayer !== undefined && otherLayer >= ownLayer) {
    return `imports @assay/${other} (layer ${otherLayer}); ${own} (layer ${ownLayer}) may import only lower layers`;
  }
  return undefined;
};

const judgeImport = (
  file: string,
  own: string,
  specifier: string,
  declared: { own: ReadonlySet<string>; root: ReadonlySet<string> },
): string | undefined => {
  if (specifier.startsWith(".")) return judgeRelative(file, own, specifier);
  if (isBuiltin(specifier)) {
    const allowed = !BROWSER_SAFE.has(own) || isTest(file);
    return allowed ? undefined : `imports ${specifier}; ${own} also runs in browsers`;
  }
  const name = packageOf(specifier);
  if (name.startsWith("@assay/")) {
    const other = name.slice("@assay/".length);
    const problem = other === own ? undefined : judgePackage(own, other);
    if (problem !== undefined) return problem;
    if (other === own) return undefined;
  }
  if (declared.own.has(name) || (isTest(file) && declared.root.has(name))) return undefined;
  return `imports ${name}, which services/${own}/package.json does not declare`;
};

const judgeServices = (root: string): Finding[] =>
  matchingFiles(root, ["services/*/**/*.{ts,tsx,mts,mjs}"]).flatMap((file) => {
    const own = file.split("/")[1] ?? "";
    if (LAYER[own] === undefined) return [{ file, message: `package ${own} has no layer` }];
    const declared = {
      own: declaredNames(readManifest(root, `services/${own}`)),
      root: declaredNames(readManifest(root, ".")),
    };
    return parseSource(file, readText(root, file)).imports.flatMap(({ specifier, line }) => {
      const message = judgeImport(file, own, specifier, declared);
      return message === undefined ? [] : [{ file, line, message }];
    });
  });

/** What is not a package (scripts, tests, deployment) uses what the root declares, and any package. */
const judgeRoot = (root: string): Finding[] => {
  const declared = declaredNames(readManifest(root, "."));
  const files = matchingFiles(root, ["{scripts,test,deploy}/**/*.{ts,mts,mjs}", "*.config.ts"]);
  return files.flatMap((file) =>
    parseSource(file, readText(root, file)).imports.flatMap(({ specifier, line }) => {
      const name = packageOf(specifier);
      const known =
        specifier.startsWith(".") ||
        isBuiltin(specifier) ||
        name.startsWith("@assay/") ||
        declared.has(name);
      return known
        ? []
        : [{ file, line, message: `imports ${name}, which package.json does not declare` }];
    }),
  );
};

export const layers: Rule = {
  name: "layers",
  remedy:
    "move the code to a lower layer, or talk over the chain and HTTP; declare what is imported with `npm i -E -w services/NAME package@version`",
  find: async (root) => [...judgeServices(root), ...judgeRoot(root)],
};
