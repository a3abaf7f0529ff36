/** Comma-separated values (RFC 4180): a header, then a row a line; quotes, CRLF and other separators. */
import { invalidSource, bytesOf, type RowSource } from "./source.ts";

export interface CsvOptions {
  /** Name of the column that holds the class; the other columns are features, f32. */
  readonly label: string;
  readonly separator?: string;
}

interface Line {
  readonly number: number;
  readonly fields: readonly string[];
}

const MOST_FIELD = 2 ** 20;

/** The records of a file. A quoted field may hold separators, quotes (twice) and line ends. */
async function* linesOf(file: string, separator: string): AsyncIterable<Line> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let fields: string[] = [];
  let field = "";
  let state: "start" | "plain" | "quoted" | "closed" = "start";
  let number = 1;
  let begun = 1;
  const wrong = (message: string) =>
    invalidSource("CSV", file, `line ${number}: ${message}`, "correct the line, or export again");
  const record = (): Line | undefined => {
    const line = { number: begun, fields: [...fields, field] };
    [fields, field, state] = [[], "", "start"];
    return line.fields.length === 1 && line.fields[0] === "" ? undefined : line;
  };
  const decode = (bytes?: Uint8Array): string => {
    try {
      return bytes === undefined ? decoder.decode() : decoder.decode(bytes, { stream: true });
    } catch {
      throw wrong("is not UTF-8 text");
    }
  };
  async function* texts(): AsyncIterable<string> {
    for await (const bytes of bytesOf(file)) yield decode(bytes);
    yield decode();
  }
  for await (const text of texts()) {
    for (const character of text) {
      if (state === "quoted") {
        if (character === '"') state = "closed";
        else field += character;
        if (character === "\n") number++;
        if (field.length > MOST_FIELD) throw wrong("a quote is not closed");
        continue;
      }
      if (character === '"' && state === "closed") {
        field += '"';
        state = "quoted";
      } else if (character === '"' && state === "start") state = "quoted";
      else if (character === separator) {
        fields.push(field);
        [field, state] = ["", "start"];
      } else if (character === "\n") {
        const line = record();
        if (line) yield line;
        begun = ++number;
      } else if (character === "\r") continue;
      else if (state === "closed") throw wrong("something follows a closing quote");
      else {
        field += character;
        state = "plain";
      }
    }
  }
  if (state === "quoted") throw wrong("a quote is not closed");
  const last = record();
  if (last) yield last;
}

const columnsOf = (file: string, header: Line | undefined, label: string) => {
  const names = header?.fields.map((name) => name.trim()) ?? [];
  const at = names.indexOf(label);
  if (at < 0 || names.length < 2)
    throw invalidSource(
      "CSV",
      file,
      `the header has no column "${label}" beside others: ${names.join(", ") || "it is empty"}`,
      "name the column of classes with --label",
    );
  return { names, at };
};

/** Numbers sort as numbers, other names by their characters; the order numbers the classes. */
const sortedClasses = (labels: ReadonlySet<string>): string[] => {
  const names = [...labels];
  const numeric = names.every((name) => /^-?[0-9]+$/.test(name));
  return names.toSorted((a, b) => (numeric ? Number(a) - Number(b) : a < b ? -1 : a > b ? 1 : 0));
};

/**
 * Rows of a CSV file: `x` f32[features], `y` i32. Reads the file twice: once for its classes, once for its rows. Throws
 * DATA_CSV_INVALID with line and column.
 */
export const csvSource = async (
  file: string,
  { label, separator = "," }: CsvOptions,
): Promise<RowSource> => {
  let header: ReturnType<typeof columnsOf> | undefined;
  const labels = new Set<string>();
  for await (const line of linesOf(file, separator)) {
    if (header === undefined) header = columnsOf(file, line, label);
    else labels.add((line.fields[header.at] ?? "").trim());
  }
  const { names, at } = header ?? columnsOf(file, undefined, label);
  const classes = sortedClasses(labels);
  const numberOf = new Map(classes.map((name, k) => [name, k]));
  const features = names.length - 1;
  return {
    columns: [
      { name: "x", dtype: "f32", shape: [features] },
      { name: "y", dtype: "i32", shape: [] },
    ],
    classes,
    async *rows() {
      let first = true;
      for await (const { fields, number } of linesOf(file, separator)) {
        if (first) {
          first = false;
          continue;
        }
        if (fields.length !== names.length)
          throw invalidSource(
            "CSV",
            file,
            `line ${number}: ${fields.length} fields, the header has ${names.length}`,
            "correct the line, or name the separator with --separator",
          );
        const x = new Float32Array(features);
        let k = 0;
        fields.forEach((text, column) => {
          if (column === at) return;
          const value = Number(text.trim() === "" ? Number.NaN : text);
          if (Number.isNaN(value))
            throw invalidSource(
              "CSV",
              file,
              `line ${number}, column "${names[column]}": "${text.slice(0, 40)}" is not a number`,
              "fill gaps and turn names into numbers before the import",
            );
          x[k++] = value;
        });
        const y = Int32Array.of(numberOf.get((fields[at] ?? "").trim()) ?? -1);
        yield [new Uint32Array(x.buffer), new Uint32Array(y.buffer)];
      }
    },
  };
};
