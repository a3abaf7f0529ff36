import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, before, describe, it } from "node:test";

import { traceRootOf } from "@assay/protocol/commitments/bindings";
import { hasherOf } from "@assay/protocol/commitments/hash";

import { deployFixture, root, type Fixture } from "../support/market.ts";

const sha256 = hasherOf((data) => createHash("sha256").update(data).digest());

describe("trace roots", () => {
  let fixture: Fixture;
  before(async () => {
    fixture = await deployFixture();
  });
  after(() => fixture.connection.close());

  for (const checkpoint of [1, 255, 65_536, 4_294_967_295]) {
    it(`of checkpoint ${checkpoint}: Solidity and the commitments library agree`, async () => {
      const roots = {
        prefixRoot: root("prefix"),
        stateRoot: root("state"),
        modelRoot: root("model"),
        evalRoot: root("eval"),
      };
      const submission = { jobId: root("job"), checkpoint, modelCid: root("cid"), ...roots };
      assert.equal(
        await fixture.market.getFunction("traceRootOf")(submission),
        traceRootOf(sha256, { n: checkpoint, ...roots }),
      );
    });
  }
});
