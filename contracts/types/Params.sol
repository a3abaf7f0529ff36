// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @dev One version of the governed parameters. Versions are append-only and a job keeps the one it was agreed under.
struct Params {
    /// Least challenge window, in seconds; the window of a job is the larger of this and `kappaBps` × its run time.
    uint32 challengeWindow;
    uint16 kappaBps;
    /// Seconds after a deadline or stop within which the latest receipt may be presented.
    uint32 receiptGrace;
    /// Seconds for revealing a salted commitment.
    uint32 revealTime;
    /// Seconds between asking for stake and getting it.
    uint32 unbonding;
    /// Seconds each side of a dispute has for all its moves.
    uint32 disputeClock;
    uint16 protocolFeeBps;
    /// Cap on a matcher's fee, in basis points of the price.
    uint16 matcherFeeCapBps;
    /// Least collateral, in basis points of the price.
    uint16 collateralBps;
    /// Held back from the pay of a late prefix; lost by the provider of an expired job, in basis points of its collateral,
    /// which is the larger of the two where a commitment was not revealed.
    uint16 latenessBps;
    uint16 expiryPenaltyBps;
    /// Shares of slashed collateral.
    uint16 rewardBps;
    uint16 burnBps;
    uint16 auditRateBps;
    uint16 auditFloorBps;
    /// Bond of a challenger beside the price of the gas that a game may take, in token base units.
    uint128 challengeBond;
    /// Receives protocol fees into its free balance.
    address treasury;
    /// Dispute game of jobs agreed under this version; zero while there is none.
    address disputes;
}
