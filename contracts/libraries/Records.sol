// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Job} from "../types/Job.sol";
import {JobState} from "../types/JobState.sol";
import {Raw} from "./Raw.sol";

/// @title Records: a job in one slot
/// @notice 31 bytes of the record's hash, then the state.
library Records {
    uint256 private constant STATE_MASK = 0xff;

    /// @dev Also turns a packed record into the same one in another state.
    function pack(bytes32 hash, JobState state) internal pure returns (bytes32) {
        return bytes32((uint256(hash) & ~STATE_MASK) | uint256(state));
    }

    function stateOf(bytes32 packed) internal pure returns (JobState) {
        return JobState(uint8(uint256(packed)));
    }

    function holds(bytes32 packed, Job calldata job) internal pure returns (bool) {
        return uint256(packed ^ keccak256(Raw.words(job))) <= STATE_MASK;
    }
}
