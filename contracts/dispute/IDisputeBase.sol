// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Bindings, Claims, Phase, Position} from "./Position.sol";

/// @title What the dispute game says: events, and errors with the values they are about
interface IDisputeBase {
    /// A game began. `bond` is out of the challenger's free balance.
    event Challenged(
        uint256 indexed gameId,
        bytes32 indexed jobId,
        address indexed challenger,
        uint256 bond,
        Bindings bindings
    );
    /// A move was made; `position` is what the next one must show.
    event Moved(uint256 indexed gameId, Position position);
    event Opened(uint256 indexed gameId, bytes32[16] children);
    event Revealed(uint256 indexed gameId, bytes chunk);
    event Claimed(uint256 indexed gameId, Claims claims);
    /// The provider lost its job, the challenger has its bond back.
    event ProviderLost(uint256 indexed gameId, bytes32 indexed jobId, address indexed challenger);
    /// The bond went to the provider.
    event ChallengerLost(uint256 indexed gameId, bytes32 indexed jobId, address indexed challenger);
    /// The job came to another end while the game was live.
    event BondReturned(uint256 indexed gameId, bytes32 indexed jobId, address indexed challenger);

    /// The position shown is not the game's.
    error DisputeWrongPosition(uint256 gameId);
    error DisputeWrongPhase(uint256 gameId, Phase actual);
    error DisputeNotYourTurn(address caller);
    error DisputeClockOver(uint256 gameId);
    error DisputeClockRunning(uint256 gameId, uint256 until);
    /// The record, the trace, the program or the bindings shown are not the job's or the game's.
    error DisputeWrongJob(bytes32 jobId);
    error DisputeOutsideWindow(uint256 nowAt, uint256 from, uint256 until);
    /// The program's header is at fault, or there is nothing in the submission that this target names.
    error DisputeNothingToDispute();
    /// What is shown does not hash to what is disputed, or is not canonical.
    error DisputeMismatch(bytes32 expected, bytes32 actual);
    /// There is no such child, element or claim.
    error DisputeNoSuchPlace(uint256 given, uint256 limit);
    /// This leaf leads elsewhere.
    error DisputeWrongCrossing();
    /// The claims give another scalar than the disputed one.
    error DisputeWrongScalar(uint32 disputed, uint32 computed);
    error DisputeNotProven();
    error DisputeNoFault();
    error DisputeJobNotOver(bytes32 jobId);

    /// Two replicas of a request with different results are made to play: the provider of `rivalId` is the challenger.
    event PlayForced(uint256 indexed gameId, bytes32 indexed jobId, bytes32 indexed rivalId);
    /// Beacon round `round` draws for this job; `certain` where an earlier round was let pass, and then it is audited for sure.
    event DrawOpened(bytes32 indexed jobId, uint256 round, bool certain);
    /// The draw is resolved; where `audited`, drawn auditors can commit until `auditUntil`, included.
    event DrawResolved(bytes32 indexed jobId, bool audited, uint40 auditUntil);
    event AuditCommitted(bytes32 indexed jobId, address indexed auditor, bytes32 commitment);
    /// An auditor's commitment is to the result that stands.
    event AuditRevealed(bytes32 indexed jobId, address indexed auditor);
    event AuditPaid(bytes32 indexed jobId, address indexed auditor, uint256 amount);
    /// Of a slashed job: the reward is not `winner`'s before `until` has passed, and only where no drawn auditor dissented until then.
    event RewardKept(bytes32 indexed jobId, address indexed winner, uint256 amount, uint40 until);
    /// An auditor's commitment is to another result than the one that was slashed.
    event AuditDissented(bytes32 indexed jobId, address indexed auditor, bytes32 traceRoot);
    event RewardPaid(bytes32 indexed jobId, address indexed account, uint256 amount);
    /// Somebody paid `fee` to be shown a chunk of the model until `until`, included.
    event ChunkDemanded(
        uint256 indexed demandId,
        bytes32 indexed jobId,
        address indexed asker,
        uint32 tensor,
        uint32 chunk,
        uint40 until,
        uint256 fee
    );
    event ChunkShown(uint256 indexed demandId, bytes chunk);
    /// The fee went back: the job came to an end without an answer.
    event DemandClosed(uint256 indexed demandId, bytes32 indexed jobId);

    /// Its time is not over, or has not come.
    error DisputeTooEarly(uint256 nowAt, uint256 from);
    error DisputeTooLate(uint256 nowAt, uint256 until);
    error DisputeNotDrawn(bytes32 jobId, address auditor);
    /// The clerk was made for another game.
    error DisputeWrongClerk(address clerk);
    /// There is no such thing, or it was done already.
    error DisputeDone();
}
