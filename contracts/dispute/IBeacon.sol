// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @dev Whether a round can be read.
enum Readiness {
    Pending,
    Ready,
    /// It was to be read earlier.
    Lapsed
}

/// @title Beacon: a number that nobody knows when it is asked for
/// @notice Rounds are never zero.
interface IBeacon {
    /// @notice The first round that is not known to anybody yet.
    function nextRound() external view returns (uint64);
    function valueOf(uint64 round) external view returns (Readiness readiness, bytes32 value);
}
