/** Lists are given page by page; `next` of one page is `cursor` of the one after. */
import { AssayError } from "@assay/protocol/errors";
import { z } from "zod";

export const pageQuery = z.object({
  limit: z.coerce.number().int().min(1).max(100).default(20),
  cursor: z.string().max(256).optional().describe("`next` of the page before"),
});

export const pageOf = <T extends z.ZodType>(item: T) =>
  z.object({ items: z.array(item), next: z.string().nullable() });

export const encodeCursor = (parts: readonly (string | number)[]): string =>
  Buffer.from(JSON.stringify(parts)).toString("base64url");

/** Throws `CURSOR_INVALID` for anything that `encodeCursor` did not make of so many parts. */
export const decodeCursor = (cursor: string, parts: number): (string | number)[] => {
  try {
    const value: unknown = JSON.parse(Buffer.from(cursor, "base64url").toString());
    if (
      Array.isArray(value) &&
      value.length === parts &&
      value.every((part) => typeof part === "string" || typeof part === "number")
    )
      return value;
  } catch {
    // Reported below, like every other bad cursor.
  }
  throw new AssayError("CURSOR_INVALID", "The cursor is none that this market gave.", {
    remedy: "Begin again without a cursor.",
  });
};
