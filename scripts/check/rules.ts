import { generated } from "./generated.ts";
import { layers } from "./layers.ts";
import { lockfile } from "./lockfile.ts";
import { namedTests } from "./named-tests.ts";
import { parameterTable } from "./parameter-table.ts";
import type { Rule } from "./rule.ts";
import { settings } from "./settings.ts";
import { solidityLayers } from "./solidity-layers.ts";
import { tables } from "./tables.ts";
import { trees } from "./trees.ts";
import { deadCode, format, lint, lintSolidity, types } from "./tools.ts";

/** Every rule of the project, the slow ones first so that they start first. */
export const RULES: readonly Rule[] = [
  format,
  lint,
  types,
  lintSolidity,
  deadCode,
  generated,
  layers,
  solidityLayers,
  settings,
  tables,
  parameterTable,
  namedTests,
  trees,
  lockfile,
];
