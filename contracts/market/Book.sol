// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

import {IDisputes} from "../interfaces/IDisputes.sol";
import {IParameters} from "../interfaces/IParameters.sol";
import {IProvenance} from "../interfaces/IProvenance.sol";
import {IReputation} from "../interfaces/IReputation.sol";
import {IStaking} from "../interfaces/IStaking.sol";
import {Raw} from "../libraries/Raw.sol";
import {Records} from "../libraries/Records.sol";
import {Traces} from "../libraries/Traces.sol";
import {Job, Progress, Terms} from "../types/Job.sol";
import {JobState} from "../types/JobState.sol";
import {Params} from "../types/Params.sol";
import {Places} from "../types/Places.sol";
import {Submission} from "../types/Submission.sol";
import {Ledger} from "./Ledger.sol";
import {Signatures} from "./Signatures.sol";

/// @title Book: what the market stores, and the moves that more than one path makes
/// @dev `Market` and `SidePaths` both are this and add no storage: the code of the one runs on the storage of the other.
abstract contract Book is Ledger, Signatures {
    using Records for bytes32;
    using Traces for Submission;

    /// @dev The other contracts of the deployment, as the constructors take them.
    struct Modules {
        IERC20 token;
        IStaking staking;
        IReputation reputation;
        IProvenance provenance;
        IParameters parameters;
    }

    uint256 internal constant CANCELLED = 1;
    uint256 internal constant TAKEN = 2;
    /// Of a draw, in the game's answer.
    uint40 internal constant UNRESOLVED = type(uint40).max;

    IReputation internal immutable _reputation;
    IProvenance internal immutable _provenance;
    IParameters internal immutable _parameters;

    mapping(bytes32 jobId => bytes32 packed) internal _jobs;
    /// @dev Of requests whose jobs must commit.
    mapping(bytes32 requestDigest => Places) internal _places;
    /// @dev Two bits for each nonce of a requester: `CANCELLED`, and `TAKEN` by an open or settled job that needs no places.
    mapping(address requester => mapping(uint256 word => uint256 bits)) private _nonces;
    /// @dev How many replicas of a request revealed the same trace root.
    mapping(bytes32 requestDigest => mapping(bytes32 traceRoot => uint8)) internal _agreeing;
    /// @dev Least checkpoint of a receipt that is still taken.
    mapping(bytes32 jobId => mapping(address provider => uint256)) internal _leastReceipt;

    constructor(Modules memory modules) Ledger(modules.token, address(modules.staking)) Signatures(modules.staking) {
        _reputation = modules.reputation;
        _provenance = modules.provenance;
        _parameters = modules.parameters;
    }

    /// @dev State of a job whose true record is shown.
    function _stateOf(Job calldata job) internal view returns (JobState state) {
        bytes32 jobId = job.terms.jobId;
        bytes32 packed = _jobs[jobId];
        state = packed.stateOf();
        // An unknown job has no record; its state says more.
        if (state == JobState.None) revert MarketWrongState(jobId, state);
        if (!packed.holds(job)) revert MarketWrongRecord(jobId);
    }

    function _requireState(Job calldata job, JobState wanted) internal view {
        JobState state = _stateOf(job);
        if (state != wanted) revert MarketWrongState(job.terms.jobId, state);
    }

    /// @dev Same record, other state.
    function _setState(bytes32 jobId, JobState state) internal {
        _jobs[jobId] = _jobs[jobId].pack(state);
    }

    function _store(Terms calldata terms, Progress memory progress, JobState state) internal {
        _jobs[terms.jobId] = Raw.rehash(terms, progress).pack(state);
    }

    /// @dev Makes `submission` the one that stands from `since` on; `last` is the job's last checkpoint.
    function _stand(
        Job calldata job,
        Submission calldata submission,
        uint256 last,
        uint256 since
    ) internal returns (bytes32) {
        Terms calldata terms = job.terms;
        if (submission.jobId != terms.jobId) revert MarketWrongJob(terms.jobId, submission.jobId);
        if (submission.checkpoint == 0 || submission.checkpoint > last) {
            revert MarketBadCheckpoint(submission.checkpoint, last);
        }
        if (submission.stateRoot == 0) revert MarketBadSubmission("stateRoot");
        if (submission.modelRoot == 0) revert MarketBadSubmission("modelRoot");
        // Evaluation comes after the last step.
        if (submission.checkpoint < last && submission.evalRoot != 0) revert MarketBadSubmission("evalRoot");

        Progress memory progress = job.progress;
        progress.submittedAt = uint40(since);
        progress.windowEnd = uint40(since + terms.window);
        progress.checkpoint = submission.checkpoint;
        progress.traceRoot = submission.root();
        progress.stateRoot = submission.stateRoot;
        progress.modelRoot = submission.modelRoot;
        progress.evalRoot = submission.evalRoot;
        _store(terms, progress, JobState.Submitted);
        emit Submitted(terms.jobId, progress, submission.prefixRoot, submission.modelCid);
        return progress.traceRoot;
    }

    /// @dev Until the deadline; after a stop for the grace time, also where that ends after the deadline: a stop in the last
    /// second must not undo what is on its way.
    function _requireInTime(Job calldata job) internal view {
        uint256 until = job.progress.stoppedAt == 0 ? job.terms.deadline : _graceEnd(job, _paramsOf(job));
        if (block.timestamp > until) revert MarketTooLate(block.timestamp, until);
    }

    function _requireProvider(Job calldata job) internal view {
        address provider = job.terms.provider;
        if (msg.sender != provider && !_staking.isOperator(provider, msg.sender)) {
            revert MarketNotProvider(job.terms.jobId, msg.sender);
        }
    }

    /// @dev The parameters that the job was agreed under.
    function _paramsOf(Job calldata job) internal view returns (Params memory) {
        return _parameters.paramsAt(job.terms.paramsVersion);
    }

    /// @dev Reads the game of the job's version; all zero where there is none. A draw that nobody asked for yet is not resolved either.
    function _disputeStatus(
        Job calldata job
    ) internal view returns (uint256 liveGames, bool won, uint40 auditUntil, uint256 auditors) {
        address disputes = job.terms.disputes;
        if (disputes == address(0)) return (0, false, 0, 0);
        (liveGames, won, auditUntil, auditors) = IDisputes(disputes).statusOf(job.terms.jobId);
        if (job.terms.auditLine == 0) return (liveGames, won, auditUntil, auditors);
        uint256 since = job.progress.submittedAt;
        if (auditUntil == 0 || (since != 0 && IDisputes(disputes).awaitsAuditors(job.terms.jobId, since))) {
            auditUntil = UNRESOLVED;
        }
    }

    /// @dev Such jobs commit first, so that nobody can copy a result: another replica, or an auditor.
    function _mustCommit(uint256 replicas, uint256 auditLine) internal pure returns (bool) {
        return replicas > 1 || auditLine != 0;
    }

    /// @dev Last second of the grace time. A requester's stop always comes before the deadline.
    function _graceEnd(Job calldata job, Params memory params) internal pure returns (uint256) {
        uint256 from = job.progress.stoppedAt != 0 ? job.progress.stoppedAt : job.terms.deadline;
        return from + params.receiptGrace;
    }

    function _nonceBits(address requester, uint64 nonce) internal view returns (uint256) {
        return (_nonces[requester][nonce >> 7] >> ((nonce & 0x7f) << 1)) & (CANCELLED | TAKEN);
    }

    /// @dev Turns these bits of a nonce over.
    function _flipNonce(address requester, uint64 nonce, uint256 bits) internal {
        _nonces[requester][nonce >> 7] ^= bits << ((nonce & 0x7f) << 1);
    }
}
