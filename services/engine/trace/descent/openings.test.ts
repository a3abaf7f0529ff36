import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ABSENT, type Hex } from "@assay/protocol/commitments/hash";
import { nodeHash } from "@assay/protocol/commitments/tree";
import { elements, terms } from "../../ir/shape.ts";
import { playDispute, type Provider } from "../../testing/dispute.ts";
import { largeProgram } from "../../testing/large.ts";
import { honestRun, type HonestRun } from "../../testing/runs.ts";
import { wasmBackend } from "../../wasm/backend.ts";
import { nodeHasher } from "../hasher.ts";
import { opAt } from "./course.ts";
import type { Opening, OpeningOf } from "./openings.ts";
import type { Pointing } from "./positions.ts";

describe("an opening that is not canonical", () => {
  const job = largeProgram(5);
  /** Plays along `route` with a provider that changes what it shows at its end. */
  const refused = async (
    run: HonestRun,
    route: readonly Pointing[],
    change: (opening: Opening) => Opening,
  ): Promise<string> => {
    const left = [...route];
    const provider: Provider = {
      open: async (position) => {
        const opening = await run.descent.open(position);
        return left.length === 0 ? change(opening) : opening;
      },
    };
    const verdict = await playDispute(run.of, provider, {
      point: async () => left.shift() ?? { to: "last" },
    });
    return verdict.winner === "challenger" ? verdict.reason : `${verdict.winner} won`;
  };
  const toOps: Pointing[] = [{ to: "final" }, { to: "last" }];
  const toChunks: Pointing[] = [...toOps, { to: "child", index: 0 }, { to: "child", index: 1 }];
  const toFold: Pointing[] = [
    ...toOps,
    { to: "child", index: 0 },
    { to: "child", index: 0 },
    { to: "element", index: 0 },
  ];
  const junk = (children: readonly Hex[]): Hex[] => [
    ...children.slice(0, 15),
    `0x${"5a".repeat(32)}`,
  ];
  const edited =
    <Kind extends Opening["kind"]>(kind: Kind, edit: (opening: OpeningOf<Kind>) => Opening) =>
    (opening: Opening): Opening => {
      assert.equal(opening.kind, kind);
      return edit(opening as OpeningOf<Kind>);
    };

  it("loses at once", async () => {
    const run = await honestRun(job, { backend: wasmBackend });
    const levelJunk = edited("level", (opening) => {
      const children = junk(opening.children ?? []);
      return { ...opening, children, rest: nodeHash(nodeHasher, children) };
    });
    const cases: [readonly Pointing[], (opening: Opening) => Opening, string][] = [
      [toOps, levelJunk, "junk in absent child"],
      [toOps, edited("level", (o) => ({ ...o, count: o.count - 1 })), "number of leaves"],
      [toOps, edited("level", (o) => ({ ...o, last: o.rest })), "last leaf"],
      [toOps, edited("level", (o) => ({ ...o, rest: o.last })), "hash of the children"],
      [toOps, edited("level", (o) => ({ ...o, children: null })), "children"],
      [
        toOps,
        edited("level", ({ children }) => ({ kind: "node", children: children ?? [] })),
        "another kind of opening",
      ],
      [toChunks, edited("tensor", (o) => ({ ...o, chunks: ABSENT })), "tensor header"],
      [
        toChunks,
        edited("tensor", (o) => ({ ...o, children: junk(o.children) })),
        "junk in absent child",
      ],
      [
        toFold,
        edited("terms", (o) => ({
          ...o,
          lastChunk: `0x${"00".repeat(o.lastChunk.length / 2 - 1)}`,
        })),
        "last accumulator",
      ],
      [
        toFold,
        edited("terms", (o) => ({ ...o, lastChunk: `${o.lastChunk}00000000` })),
        "length of a chunk",
      ],
      [
        [...toChunks, { to: "child", index: 1 }, { to: "child", index: 0 }],
        edited("elements", (o) => ({ ...o, bytes: `0x${"00".repeat(1024)}` })),
        "chunk",
      ],
    ];
    for (const [route, change, reason] of cases)
      assert.equal(await refused(run, route, change), reason);
    await run.descent.close();
  });
});

describe("what each position shows", () => {
  it("is what the ops give, element by element", async () => {
    const job = largeProgram(6);
    const run = await honestRun(job);
    const section = { list: "step", interval: 2, step: 7 } as const;
    const op = opAt(run.of.course, section, 0);
    const at = { section, op: 0, element: 1 };
    const shown = await run.descent.open({ kind: "chunk", section, op: 0, chunk: 0 });
    const folded = await run.descent.open({ kind: "terms", ...at, path: [] });
    assert.ok(shown.kind === "elements" && folded.kind === "terms");
    assert.equal(shown.bytes.length, 2 + 8 * elements(op.out.shape));
    assert.equal(folded.lastChunk.slice(-8), shown.bytes.slice(10, 18));
    assert.equal(folded.count, Math.ceil(terms(op) / 256));
    await run.descent.close();
  });
});
