// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Strings} from "@openzeppelin/contracts/utils/Strings.sol";

/// @dev Assertions that say both values when they fail.
abstract contract Assert {
    error Failed(string what);

    function assertTrue(bool condition, string memory what) internal pure {
        if (!condition) revert Failed(what);
    }

    function assertEq(uint256 actual, uint256 expected, string memory what) internal pure {
        if (actual == expected) return;
        revert Failed(string.concat(what, ": ", Strings.toString(actual), ", not ", Strings.toString(expected)));
    }

    function assertEq(address actual, address expected, string memory what) internal pure {
        if (actual == expected) return;
        revert Failed(string.concat(what, ": ", Strings.toHexString(actual), ", not ", Strings.toHexString(expected)));
    }

    function assertEq(bytes32 actual, bytes32 expected, string memory what) internal pure {
        if (actual == expected) return;
        revert Failed(
            string.concat(
                what,
                ": ",
                Strings.toHexString(uint256(actual), 32),
                ", not ",
                Strings.toHexString(uint256(expected), 32)
            )
        );
    }

    function assertLe(uint256 actual, uint256 most, string memory what) internal pure {
        if (actual <= most) return;
        revert Failed(string.concat(what, ": ", Strings.toString(actual), " above ", Strings.toString(most)));
    }

    /// @dev `x` folded into `[min, max]`.
    function within(uint256 x, uint256 min, uint256 max) internal pure returns (uint256) {
        return min + (x % (max - min + 1));
    }
}
