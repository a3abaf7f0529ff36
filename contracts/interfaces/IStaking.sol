// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @title Staking: stake, collateral, operators, votes
/// @notice Stake comes from and returns to the ledger's free balance. Collateral is the part of it locked for open jobs.
/// Leaving stake backs no new job, but answers for the open ones until it is withdrawn. Stake that is not leaving votes
/// (`IVotes`, by time), at first for its owner. A vote cannot be cast and carried away: unbonding takes longer than a
/// proposal with its timelock.
///
/// Warning: that unbonding is longer is a matter of the bounds and of the governor's settings, checked at deployment.
interface IStaking {
    event Staked(address indexed provider, uint256 amount);
    event UnstakeRequested(address indexed provider, uint256 amount, uint40 availableAt);
    event StakeWithdrawn(address indexed provider, uint256 amount);
    event OperatorSet(address indexed provider, address indexed operator, bool allowed);
    /// No job locks the last `amount` of the provider's stake from now on.
    event StakeReserved(address indexed provider, uint256 amount);
    /// `to` is zero where the amount was burned.
    event CollateralSlashed(address indexed provider, bytes32 indexed jobId, address indexed to, uint256 amount);

    error StakingInsufficient(address provider, uint256 available, uint256 needed);
    error StakingNothingToWithdraw(address provider);
    error StakingTooEarly(uint256 nowAt, uint256 availableAt);
    error StakingZeroAmount();
    error StakingNotMarket(address caller);

    /// @notice Moves `amount` of the caller's free ledger balance into its stake.
    function stake(uint256 amount) external;
    /// @notice Starts the unbonding of `amount`, locked or not; a further request adds up and starts the delay anew.
    function requestUnstake(uint256 amount) external;
    /// @notice Moves leaving stake whose delay is over to the free ledger balance, as far as it is not locked.
    function withdrawStake() external returns (uint256 amount);
    /// @notice Keeps `amount` of the caller's stake out of every new job, whoever signs for it: what an operator key cannot
    /// lock it cannot lose. Collateral that is locked already stays so; zero reserves nothing.
    function reserve(uint256 amount) external;
    /// @notice Allows or forbids an operator key to sign and submit for the caller. Its own key always may.
    function setOperator(address operator, bool allowed) external;

    /// @dev Market only, which says so in its own events.
    function lock(address provider, uint256 amount) external;
    /// @dev Market only, which says so in its own events.
    function free(address provider, uint256 amount) external;
    /// @dev Market only: takes locked collateral and moves it to `to`'s free balance (`address(0)`: burns it).
    function slash(address provider, bytes32 jobId, uint256 amount, address to) external;

    /// @return total Everything staked, leaving stake included.
    /// @return locked Collateral of open jobs.
    /// @return leaving Part on its way out.
    /// @return availableAt When the delay of the leaving part is over.
    function stakeOf(
        address provider
    ) external view returns (uint256 total, uint256 locked, uint256 leaving, uint40 availableAt);
    /// @notice Stake that is neither locked, leaving nor reserved.
    function availableOf(address provider) external view returns (uint256);
    function reservedOf(address provider) external view returns (uint256);
    /// @notice Whether `provider` lets this key sign and submit for it; false for the provider's own.
    function isOperator(address provider, address operator) external view returns (bool);
    /// @notice Whether this key is the provider's operator, or was one at `time` or later: dropping a key does not undo what
    /// it may have signed for the jobs of that time.
    function answersFor(address provider, address operator, uint256 time) external view returns (bool);
    /// @notice Who voted with the provider's own stake at `time`, which has passed, and how much that was: those who vote in another's
    /// name are known by it.
    function ownVotesAt(address provider, uint256 time) external view returns (address voter, uint256 votes);
    function market() external view returns (address);
}
