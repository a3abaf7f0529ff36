import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { findIn, messages } from "./fixture.ts";
import { solidityLayers } from "./solidity-layers.ts";

describe("solidity layers", () => {
  test("default: domains import what is shared, mocks import anything", async () => {
    const findings = await findIn(solidityLayers, {
      "contracts/types/Id.sol": "type Id is bytes32;",
      "contracts/interfaces/IMarket.sol": `import {Id} from "../types/Id.sol";`,
      "contracts/libraries/Fees.sol": `import {Id} from "../types/Id.sol";`,
      "contracts/market/Market.sol": `
        import {IMarket} from "../interfaces/IMarket.sol";
        import {
          Fees
        } from "../libraries/Fees.sol";
        import {Book} from "./Book.sol";
        import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
        // import {Staking} from "../staking/Staking.sol";
      `,
      "contracts/dispute/referee/Step.sol": `import {Game} from "../Game.sol";`,
      "contracts/mocks/Evil.sol": `import {Market} from "../market/Market.sol";`,
    });
    assert.deepEqual(findings, []);
  });

  const violations: [string, string, RegExp][] = [
    [
      "contracts/market/Market.sol",
      `import {S} from "../staking/Staking.sol";`,
      /market\/ imports staking\//,
    ],
    [
      "contracts/market/Market.sol",
      `import {\n  S\n} from "../mocks/Evil.sol";`,
      /imports mocks\//,
    ],
    [
      "contracts/types/Id.sol",
      `import {F} from "../libraries/Fees.sol";`,
      /types\/ imports libraries\//,
    ],
    [
      "contracts/interfaces/I.sol",
      `import "../market/Market.sol";`,
      /interfaces\/ imports market\//,
    ],
    ["contracts/dispute/Game.sol", `import {T} from "hardhat/console.sol";`, /neither ours nor/],
  ];
  for (const [file, text, expected] of violations) {
    test(`behavior: refuses in ${file}: ${text.replaceAll("\n", " ")}`, async () => {
      assert.match(messages(await findIn(solidityLayers, { [file]: text })), expected);
    });
  }
});
