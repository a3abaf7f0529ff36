/**
 * Adds counters to Solidity: before every statement, and around every condition, whose two outcomes are its branches. A
 * condition is that of an `if`, a loop, a ternary, a `require` or `assert`, each side of `&&` and `||` in one of these, and
 * the left side elsewhere.
 */
import type { Node } from "./syntax.ts";

/** What one counter stands for; a condition has two, for true and for false. */
export interface Counter {
  readonly id: number;
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly kind: "statement" | "branch";
  /** `true` or `false` of a condition, `clause` of a `try`. */
  readonly outcome?: "true" | "false" | "clause";
  /** The condition, on one line. */
  readonly text?: string;
}

/** Functions of the library that counts, as `hits.ts` writes it. */
export const HITS = "CoverageHits";

const SIMPLE = new Set([
  "ExpressionStatement",
  "VariableDeclarationStatement",
  "Return",
  "EmitStatement",
  "RevertStatement",
  "Break",
  "Continue",
  "PlaceholderStatement",
  "DoWhileStatement",
]);

/** Solidity's offsets are bytes. */
class Text {
  readonly #bytes: Buffer;
  readonly #lineStarts: number[] = [0];
  readonly #inserted: { at: number; text: string }[] = [];

  constructor(text: string) {
    this.#bytes = Buffer.from(text);
    this.#bytes.forEach((byte, at) => {
      if (byte === 10) this.#lineStarts.push(at + 1);
    });
  }

  lineOf(at: number): number {
    return this.#lineStarts.findLastIndex((start) => start <= at) + 1;
  }

  slice(from: number, to: number): string {
    return this.#bytes.subarray(from, to).toString();
  }

  after(character: string, from: number): number {
    return this.#bytes.indexOf(character, from) + 1;
  }

  insert(at: number, text: string): void {
    this.#inserted.push({ at, text });
  }

  /** At one offset in the order of insertion. */
  toString(): string {
    const parts: string[] = [];
    let done = 0;
    for (const { at, text } of this.#inserted.toSorted((a, b) => a.at - b.at)) {
      parts.push(this.slice(done, at), text);
      done = at;
    }
    return [...parts, this.slice(done, this.#bytes.length)].join("");
  }
}

const startOf = (node: Node): number => Number(node.src.split(":")[0]);
const rawEndOf = (node: Node): number => startOf(node) + Number(node.src.split(":")[1]);

const joins = (node: Node): boolean =>
  node.nodeType === "BinaryOperation" && (node.operator === "&&" || node.operator === "||");

/** Instruments one file. `firstId`: the first counter's number; `hits`: how the file imports the library. */
export const instrument = (
  file: string,
  source: string,
  ast: Node,
  hits: string,
  firstId: number,
): { readonly text: string; readonly counters: readonly Counter[] } => {
  const text = new Text(source);
  const counters: Counter[] = [];

  const count = (node: Node, counter: Omit<Counter, "id" | "file" | "line">): number => {
    const id = firstId + counters.length;
    counters.push({ id, file, line: text.lineOf(startOf(node)), ...counter });
    return id;
  };

  /** Where a statement ends, with its semicolon, which the syntax tree leaves out but for a bare `return;`. */
  const endOf = (node: Node): number => {
    if (SIMPLE.has(node.nodeType)) return text.after(";", rawEndOf(node) - 1);
    const last = node.falseBody ?? node.trueBody ?? node.body;
    return last === undefined || last === null ? rawEndOf(node) : endOf(last);
  };

  /** Every operand of a compound condition has outcomes of its own: those of the whole follow from them. */
  const condition = (node: Node): void => {
    const { leftExpression, rightExpression, components = [] } = node;
    if (joins(node) && leftExpression && rightExpression) {
      condition(leftExpression);
      condition(rightExpression);
      return;
    }
    if (node.nodeType === "TupleExpression" && components.length === 1 && components[0]) {
      condition(components[0]);
      return;
    }
    const words = text.slice(startOf(node), rawEndOf(node)).replace(/\s+/g, " ");
    const id = count(node, { kind: "branch", outcome: "true", text: words });
    count(node, { kind: "branch", outcome: "false", text: words });
    text.insert(startOf(node), `${HITS}.either(`);
    visit(node);
    text.insert(rawEndOf(node), `, ${id})`);
  };

  const statement = (node: Node): void => {
    if (node.nodeType === "Block" || node.nodeType === "UncheckedBlock") {
      block(node);
      return;
    }
    text.insert(startOf(node), `${HITS}.hit(${count(node, { kind: "statement" })}); `);
    visit(node);
  };

  const block = (node: Node): void => {
    for (const each of node.statements ?? []) statement(each);
  };

  /** The body of an `if` or a loop, which may do without braces. */
  const body = (node: Node): void => {
    if (node.nodeType === "Block") {
      block(node);
      return;
    }
    text.insert(startOf(node), "{ ");
    statement(node);
    text.insert(endOf(node), " }");
  };

  const visitors: Readonly<Record<string, (node: Node) => void>> = {
    Block: block,
    UncheckedBlock: block,
    IfStatement: ({ condition: asked, trueBody, falseBody }) => {
      if (asked) condition(asked);
      if (trueBody) body(trueBody);
      if (falseBody) body(falseBody);
    },
    WhileStatement: ({ condition: asked, body: repeated }) => {
      if (asked) condition(asked);
      if (repeated) body(repeated);
    },
    ForStatement: ({ condition: asked, body: repeated }) => {
      if (asked) condition(asked);
      if (repeated) body(repeated);
    },
    Conditional: ({ condition: asked, trueExpression, falseExpression }) => {
      if (asked) condition(asked);
      if (trueExpression) visit(trueExpression);
      if (falseExpression) visit(falseExpression);
    },
    BinaryOperation: (node) => {
      if (node.leftExpression) (joins(node) ? condition : visit)(node.leftExpression);
      if (node.rightExpression) visit(node.rightExpression);
    },
    FunctionCall: ({ expression, arguments: given = [] }) => {
      const [first, ...others] = given;
      const asks = expression?.name === "require" || expression?.name === "assert";
      if (expression) visit(expression);
      if (first) (asks ? condition : visit)(first);
      for (const each of others) visit(each);
    },
    TryCatchClause: (node) => {
      if (!node.block) return;
      const id = count(node, { kind: "branch", outcome: "clause", text: "a clause of try" });
      text.insert(startOf(node.block) + 1, ` ${HITS}.hit(${id});`);
      block(node.block);
    },
    InlineAssembly: () => {
      // One statement: what branches inside is for the reader.
    },
  };

  /** Into everything below a node. */
  const visit = (node: Node): void => {
    const own = visitors[node.nodeType];
    if (own !== undefined) {
      own(node);
      return;
    }
    for (const value of Object.values(node as unknown as Record<string, unknown>)) {
      for (const child of Array.isArray(value) ? (value as unknown[]) : [value]) {
        if (typeof child === "object" && child !== null && "nodeType" in child)
          visit(child as Node);
      }
    }
  };

  /** Only bodies of functions and modifiers run. */
  const bodies = (node: Node): void => {
    if (node.nodeType === "FunctionDefinition" || node.nodeType === "ModifierDefinition") {
      if (node.body) block(node.body);
      return;
    }
    for (const child of node.nodes ?? []) bodies(child);
  };

  bodies(ast);
  if (counters.length === 0) return { text: source, counters };
  return { text: `${text.toString()}${hits}\n`, counters };
};
