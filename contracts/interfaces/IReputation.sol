// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @title Reputation: settled facts, both sides
/// @notice Weighted by protocol fees, so that a history costs what it claims to be worth; it decays by half every
/// `HALF_LIFE`, in steps of a day, and is one packed slot an account.
interface IReputation {
    /// @dev Decayed sums of protocol fees in millionths of a token, each at most `type(uint32).max`; `updatedAt` says
    /// when they were decayed last.
    struct Standing {
        uint32 completed;
        uint32 late;
        uint32 expired;
        uint32 slashed;
        uint32 stopped;
        uint32 challengesLost;
        uint40 updatedAt;
    }

    enum Fact {
        /// The provider was paid, in time or because the requester stopped the job.
        Completed,
        /// The provider was paid for a prefix after its deadline.
        Late,
        /// The provider presented nothing.
        Expired,
        /// The provider lost its collateral.
        Slashed,
        /// The requester stopped a job.
        Stopped,
        /// The account lost a challenge.
        ChallengeLost
    }

    event FactRecorded(address indexed account, Fact indexed fact, uint256 weight);

    error ReputationNotMarket(address caller);

    /// @dev Market only. `weight`: protocol fee that the job paid, or would have, in token base units; of an expired job at
    /// least the same share of its collateral.
    function record(address account, Fact fact, uint256 weight) external;
    /// @notice Standing of an account, decayed to now.
    function standingOf(address account) external view returns (Standing memory);
    /// @notice Share of `completed` among an account's facts as a provider (`completed`, `late`, `expired`, `slashed`), decayed,
    /// in basis points; 5,000 without any. What it did as a requester counts nothing here.
    function scoreOf(address account) external view returns (uint256);
    function market() external view returns (address);
}
