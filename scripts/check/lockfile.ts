import { isDeepStrictEqual } from "node:util";

import { type Manifest, matchingFiles, readManifest, readText } from "./files.ts";
import type { Finding, Rule } from "./rule.ts";

const FILE = "package-lock.json";
const PUBLIC_REGISTRY = "https://registry.npmjs.org/";

type Entry = Manifest & { resolved?: string; link?: boolean };
type Packages = Readonly<Record<string, Entry>>;

/** Looks a name up as Node does: in the package's own node_modules, then in those above it. */
const isLocked = (packages: Packages, from: string, name: string): boolean => {
  for (let folder = from; ;) {
    if (packages[`${folder === "" ? "" : `${folder}/`}node_modules/${name}`]) return true;
    if (folder === "") return false;
    const above = folder.lastIndexOf("/node_modules/");
    folder = above === -1 ? "" : folder.slice(0, above);
  }
};

/** npm leaves out, without a word, binaries that the registry lacks, and `npm ci` then refuses the lockfile elsewhere. */
const incomplete = (packages: Packages): Finding[] =>
  Object.entries(packages).flatMap(([path, entry]) =>
    Object.keys(entry.optionalDependencies ?? {})
      .filter((name) => !isLocked(packages, path, name))
      .map((name) => ({ file: FILE, message: `${path || "the root"} lacks its optional ${name}` })),
  );

const foreign = (packages: Packages): Finding[] =>
  Object.entries(packages)
    .filter(
      ([, { link, resolved }]) =>
        !link && resolved !== undefined && !resolved.startsWith(PUBLIC_REGISTRY),
    )
    .map(([path, { resolved }]) => ({ file: FILE, message: `${path} comes from ${resolved}` }));

const outOfStep = (root: string, packages: Packages): Finding[] => {
  const folders = [
    "",
    ...matchingFiles(root, ["services/*/package.json"]).map((file) => file.slice(0, -13)),
  ];
  return folders.flatMap((folder) => {
    const manifest = readManifest(root, folder);
    const fields = [
      "dependencies",
      "devDependencies",
      "optionalDependencies",
      "peerDependencies",
    ] as const;
    const agrees = fields.every((field) =>
      isDeepStrictEqual(manifest[field] ?? {}, packages[folder]?.[field] ?? {}),
    );
    return agrees
      ? []
      : [{ file: FILE, message: `does not agree with ${folder || "."}/package.json` }];
  });
};

export const lockfile: Rule = {
  name: "lockfile",
  remedy: "run `npm install`; where a binary is lacking, take an older release of its package",
  find: async (root) => {
    const { packages } = JSON.parse(readText(root, FILE)) as { packages: Packages };
    return [...incomplete(packages), ...foreign(packages), ...outOfStep(root, packages)];
  },
};
