// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IBeacon, Readiness} from "./IBeacon.sol";

/// @title BlockBeacon: the hashes of later blocks
/// @notice Warning: whoever proposes the block of a round can see its value and withhold the block, at the price of its reward: one more
/// draw for each block it gives up. Worth that only to a proposer with money in the job. A chain whose sequencer is not trusted
/// so far needs another beacon.
contract BlockBeacon is IBeacon {
    /// @dev Blocks until a round: more than a reorganisation of the chains we aim at takes back.
    uint256 private constant DELAY = 4;
    /// @dev Blocks whose hash the EVM still knows.
    uint256 private constant KEPT = 256;

    /// @inheritdoc IBeacon
    function nextRound() external view returns (uint64) {
        return uint64(block.number + DELAY);
    }

    /// @inheritdoc IBeacon
    function valueOf(uint64 round) external view returns (Readiness readiness, bytes32 value) {
        if (block.number <= round) return (Readiness.Pending, 0);
        if (block.number - round > KEPT) return (Readiness.Lapsed, 0);
        return (Readiness.Ready, blockhash(round));
    }
}
