// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Bindings} from "./Position.sol";

/// @title Schedule: which steps lie between two checkpoints
library Schedule {
    /// @dev Number of the step after which checkpoint `k` is.
    function stepAt(Bindings calldata b, uint256 k) internal pure returns (uint256) {
        uint256 step = b.startStep + k * b.interval;
        return step < b.steps ? step : b.steps;
    }

    /// @dev States that the interval before checkpoint `k` ends in, that of the checkpoint included; 0 for the first.
    function statesBefore(Bindings calldata b, uint256 k) internal pure returns (uint256) {
        return k == 0 ? 0 : stepAt(b, k) - stepAt(b, k - 1);
    }
}
