// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @title Disputes: what the market asks of the dispute game
/// @notice The game belongs to a parameters version: the code that judges a job never changes under it. The game slashes
/// with `IMarket.slash` and voids with `IMarket.voidJob`; it learns of submissions by being shown the job's record.
/// A submission can be challenged from `submittedAt` to `windowEnd`, both included.
///
/// Warning: a game that never answers, or never ends, blocks the settlement of the jobs agreed under its version. It can
/// take no more than such a job's escrow and collateral, and only by the waterfall of the market.
interface IDisputes {
    /// @notice All that the market asks about a job before it moves its money.
    /// @return liveGames Games about the standing submission that are not over: while not zero the market does not settle.
    /// @return won Whether a game about it was played to its end and won by the provider.
    /// @return auditUntil When drawn auditors have had their time to commit: before that the market takes no reveal. Zero where
    /// no draw was asked for: for a job with an audit line as good as the greatest value, which stands for a draw that is not resolved,
    /// and then nothing settles or expires.
    /// @return auditors How many drawn auditors committed to the job's result before it was revealed, and have shown it. If not zero, the audit line
    /// goes to the free balance of the game at settlement, and the game owes it to them.
    function statusOf(
        bytes32 jobId
    ) external view returns (uint256 liveGames, bool won, uint40 auditUntil, uint256 auditors);
    /// @notice Whether auditors who committed still have time to show what they found of a result that stands since `submittedAt`. The market
    /// settles nothing over their heads, signed off or not.
    function awaitsAuditors(bytes32 jobId, uint256 submittedAt) external view returns (bool);
}
