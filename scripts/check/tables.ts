import { lineAt, matchingFiles, readText } from "./files.ts";
import type { Finding, Rule } from "./rule.ts";

/** Tables with this prefix are written from these folders alone. */
const WRITERS = [
  { prefix: "chain", folders: ["services/market/indexer/"] },
  { prefix: "market", folders: ["services/market/intake/", "services/market/matcher/"] },
  { prefix: "api", folders: ["services/market/api/"] },
];

const SQL_WRITE =
  /\b(?:INSERT\s+INTO|UPDATE|DELETE\s+FROM|TRUNCATE(?:\s+TABLE)?|MERGE\s+INTO|COPY)\s+(?:ONLY\s+)?"?(?:public"?\."?)?(chain|market|api)_\w+/gi;
const CLIENT_WRITE =
  /\.(chain|market|api)[A-Z]\w*\s*\.\s*(?:create|createMany|createManyAndReturn|update|updateMany|updateManyAndReturn|upsert|delete|deleteMany)\b/g;
/** Rows in bulk go through the driver: the mapper is an order of magnitude slower. */
const BULK_WRITE = /\.\s*createMany(?:AndReturn)?\s*\(/g;

const judge = (root: string, file: string): Finding[] => {
  const text = readText(root, file);
  const writes = [...text.matchAll(SQL_WRITE), ...text.matchAll(CLIENT_WRITE)];
  const strangers = writes.flatMap((match) => {
    const writer = WRITERS.find(({ prefix }) => prefix === match[1]?.toLowerCase());
    if (writer === undefined || writer.folders.some((folder) => file.startsWith(folder))) return [];
    const message = `writes a ${writer.prefix}_ table; only ${writer.folders.join(" and ")} may`;
    return [{ file, line: lineAt(text, match.index), message }];
  });
  const bulk = [...text.matchAll(BULK_WRITE)].map((match) => ({
    file,
    line: lineAt(text, match.index),
    message: "writes rows in bulk through the mapper (createMany)",
  }));
  return [...strangers, ...bulk];
};

export const tables: Rule = {
  name: "tables",
  remedy:
    "send the write to the part that owns the table; write bulk rows with the driver (COPY or unnest)",
  find: async (root) =>
    matchingFiles(root, ["services/*/**/*.ts"])
      .filter((file) => !file.endsWith(".test.ts") && !file.includes("/testing/"))
      .flatMap((file) => judge(root, file)),
};
