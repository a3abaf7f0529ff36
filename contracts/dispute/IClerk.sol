// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Job} from "../types/Job.sol";
import {IDisputeBase} from "./IDisputeBase.sol";
import {ListRoots, Position, Target, TensorProof} from "./Position.sol";

/// @dev The signed roots that a submission's trace root is the hash of, beside those that its record holds.
struct Replica {
    Job job;
    bytes32 prefixRoot;
}

/// @title Clerk: how games begin, and what happens around them
interface IClerk is IDisputeBase {
    /// @notice Opens a game about the standing submission of a job, from `submittedAt` to `windowEnd`, with a bond that
    /// comes out of what the caller allowed this contract in the ledger.
    /// @param header The program's header, and `lists` the roots of its op lists.
    function challenge(
        Job calldata job,
        bytes32 prefixRoot,
        bytes calldata header,
        ListRoots calldata lists,
        Target target
    ) external returns (uint256 gameId);
    /// @notice Plays two replicas of one request that revealed different results against each other: the caller, provider of `rival` or
    /// an operator of it, makes that provider the challenger of `defender`. It bonds as any challenger,
    /// unless what its own collateral pays the defender where it loses is as much, which it does once: for one live game at a time, and
    /// for none after it lost one.
    /// Disputed is the first root in which the two differ. In the defender's window; once for two jobs.
    function forcePlay(
        Replica calldata defender,
        Replica calldata rival,
        bytes calldata header,
        ListRoots calldata lists
    ) external returns (uint256 gameId);
    /// @notice Slashes a replica whose provider lost a forced game as its challenger, once a game that it forced without a bond is over:
    /// the defender of that is the winner if it won.
    function collectForfeit(Job calldata job) external;
    /// @notice Returns the bond of a game whose job was slashed or voided otherwise.
    function withdrawBond(uint256 gameId, Position calldata p) external;
    /// @notice Ends a job whose program or data set is at fault: all money goes back and nobody is slashed. Anyone may show it, game or
    /// no game; bonds of live games are withdrawn.
    /// @param evidence Arguments of `IProgramFaults.isAtFault`, ABI-encoded, with the job's own roots.
    function voidFaulty(Job calldata job, bytes calldata evidence) external;
    /// @notice Puts a challenge that the job's own requester lost on its record.
    function noteLostChallenge(Job calldata job) external;

    /// @notice Pays for a chunk of the model of a standing submission to be shown on chain, in its window. The fee goes to the provider
    /// with its answer; it grows with the demands that are open about the job. Without an answer in time the job is slashed.
    /// @param tensor Which of the model's tensors, and `chunk` which of its chunks.
    function demandChunk(
        Job calldata job,
        bytes calldata header,
        ListRoots calldata lists,
        uint32 tensor,
        uint32 chunk
    ) external returns (uint256 demandId);
    /// @notice Answers a demand: `root` to `chunk` of the proof, under the model's root. Anyone may; the fee is the provider's.
    function showChunk(uint256 demandId, TensorProof calldata proof) external;
    /// @notice Slashes the provider of a demand that was not answered in time; the asker is the winner, unless a game about
    /// the job is live, and then the reward burns.
    function timeoutDemand(uint256 demandId, Job calldata job) external;
    /// @notice Returns the fee of a demand whose job came to an end otherwise.
    function closeDemand(uint256 demandId) external;

    /// @notice Asks the beacon for the draw of an audited job that has committed. Anyone may, once.
    function openDraw(Job calldata job) external;
    /// @notice Resolves the draw: whether the job is audited, and by the beacon's value who may audit. A round that was let pass is
    /// asked for anew, and then the job is audited for certain.
    function resolveDraw(Job calldata job) external;
    /// @notice A drawn auditor, or an operator of it, commits to a result before the provider reveals:
    /// `auditCommitmentOf(jobId, auditor, traceRoot, salt)`.
    function commitAudit(bytes32 jobId, address auditor, bytes32 commitment) external;
    /// @notice Shows that the auditor's commitment is to the result that stands. Anyone may who has the salt.
    function revealAudit(Job calldata job, address auditor, bytes32 salt) external;
    /// @notice Pays an auditor its part of the audit line of a settled job that it audited. Anyone may call.
    function claimAudit(Job calldata job, address auditor) external;
    /// @notice Shows that a drawn auditor committed to another result than the one that was slashed, and so has a part of the reward.
    /// Within `revealTime` of the slash; anyone may who has the salt.
    function revealDissent(Job calldata job, address auditor, bytes32 traceRoot, bytes32 salt) external;
    /// @notice Pays out the reward of a slashed job that auditors committed to, once their time to dissent is over: to each that did an
    /// equal part, or, where none did, all of it to who won the game. Anyone may call.
    function claimReward(bytes32 jobId, address account) external;

    /// @notice Whether `auditor` was drawn: with a chance of three times its share of the votes that are neither the provider's nor of its
    /// stake, whoever casts those.
    function isDrawn(bytes32 jobId, address auditor) external view returns (bool);
    function auditCommitmentOf(
        bytes32 jobId,
        address auditor,
        bytes32 traceRoot,
        bytes32 salt
    ) external pure returns (bytes32);
    /// @notice What an auditor has committed to and was not paid for yet, and whether it showed that it agrees or that it found another
    /// result than the one that was slashed.
    function auditOf(
        bytes32 jobId,
        address auditor
    ) external view returns (bytes32 commitment, bool shown, bool dissented);
    /// @notice The reward of a slashed job that was not paid out yet: auditors can dissent until `until`, included; who won the game, zero
    /// where there is no such reward; how many auditors are owed a part of `amount`.
    function rewardOf(
        bytes32 jobId
    ) external view returns (address winner, uint40 until, uint256 auditors, uint256 amount);
    /// @notice Share of a provider's jobs with an audit line and this protocol fee that are drawn, in basis points: the rate of these
    /// parameters until drawn jobs that went well in a row have paid ten such fees, and then falling with their sum to the floor. Jobs that
    /// were audited for certain count for nothing.
    function auditRateOf(address provider, uint32 paramsVersion, uint128 protocolFee) external view returns (uint256);
    /// @notice Fee of the next demand about this job.
    function demandFeeOf(Job calldata job) external view returns (uint256);
    /// @notice A game: the hash of its position, zero when it is over, and the seconds each side had left at `movedAt`.
    function gameOf(
        uint256 gameId
    )
        external
        view
        returns (
            bytes32 position,
            address challenger,
            uint256 bond,
            uint256 movedAt,
            uint256 providerLeft,
            uint256 challengerLeft
        );
    /// @notice Bond of a challenge of this job.
    function bondOf(Job calldata job) external view returns (uint256);
}
