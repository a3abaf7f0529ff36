/** Chunks of a model whose tensors are as large as their provider says, not as the program does. */
import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import hre from "hardhat";
import type { BaseContract } from "ethers";
import { chunkLeaf, tensorRootOf } from "@assay/protocol/commitments/tensor";
import { toHex } from "@assay/protocol/commitments/hash";
import { DTYPE } from "@assay/engine/ir/types";
import { nodeHasher } from "@assay/engine/trace/hasher";

import { NO_PROOF } from "../../support/dispute/provider.ts";
import { packed } from "../../support/dispute/signed.ts";
import { root } from "../../support/market.ts";

describe("Proofs.holdsChunk", () => {
  let proofs: BaseContract;
  before(async () => {
    const { ethers } = await hre.network.create();
    const referee = await ethers.deployContract("Referee");
    proofs = await ethers.deployContract("Proofs", [referee]);
  });

  /** A model of one tensor of four elements. */
  const bytes = new Uint8Array(16).fill(7);
  const chunks = chunkLeaf(nodeHasher, DTYPE.f32, 0, bytes);
  const model = tensorRootOf(nodeHasher, DTYPE.f32, [4], chunks);
  const proof = {
    ...NO_PROOF,
    root: model,
    rank: 1,
    dims: packed([4]),
    chunks,
    chunk: toHex(bytes),
  };
  const holds = (chunk: number, tensor = 0, parameters = 1, of = model): Promise<boolean> =>
    proofs.getFunction("holdsChunk")(of, parameters, tensor, chunk, proof);

  it("takes the chunk in its place of its tensor", async () => {
    assert.equal(await holds(0), true);
  });

  it("knows none behind the last of the tensor that was committed to, nor of another model", async () => {
    assert.equal(await holds(1), false, "a chunk");
    assert.equal(await holds(2 ** 32), false, "a chunk that the leaf would cut off");
    assert.equal(await holds(0, 1), false, "a tensor");
    assert.equal(await holds(0, 0, 2), false, "of two");
    assert.equal(await holds(0, 0, 1, root("model")), false, "a model");
  });
});
