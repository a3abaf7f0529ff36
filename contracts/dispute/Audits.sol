// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IVotes} from "@openzeppelin/contracts/governance/utils/IVotes.sol";

import {Job} from "../types/Job.sol";
import {JobState} from "../types/JobState.sol";
import {Params} from "../types/Params.sol";
import {Readiness} from "./IBeacon.sol";
import {IClerk} from "./IClerk.sol";
import {Opening} from "./Opening.sol";

/// @title Audits: auditors drawn by stake, who commit before the provider shows its result
abstract contract Audits is Opening {
    struct Draw {
        uint64 round;
        /// When votes are counted: before the provider's commitment.
        uint48 votesAt;
        bool certain;
        bool audited;
        /// The success was counted.
        bool counted;
        address provider;
        bytes32 value;
    }

    /// Auditors drawn on average.
    uint256 private constant AUDITORS = 3;
    /// Successes in a row at the whole rate.
    uint256 private constant STRAIGHT = 10;
    uint256 private constant BPS = 10_000;

    mapping(bytes32 jobId => Draw) private _draw;
    mapping(bytes32 jobId => mapping(address auditor => bytes32)) private _commitment;
    /// @dev Auditors that showed the result that stands, and were not paid yet.
    mapping(bytes32 jobId => mapping(address auditor => bool)) private _owed;

    /// @inheritdoc IClerk
    function openDraw(Job calldata job) external {
        _requireRecord(job, JobState.Committed);
        if (job.terms.auditLine == 0) revert DisputeNothingToDispute();
        Draw storage draw = _draw[job.terms.jobId];
        if (draw.round != 0) revert DisputeDone();
        draw.votesAt = uint48(job.progress.committedAt) - 1;
        draw.provider = job.terms.provider;
        _ask(job.terms.jobId, draw, false);
    }

    /// @inheritdoc IClerk
    function resolveDraw(Job calldata job) external {
        _requireRecord(job, JobState.Committed);
        bytes32 jobId = job.terms.jobId;
        Draw storage draw = _draw[jobId];
        Standing storage standing = _standing[jobId];
        if (draw.round == 0 || standing.auditUntil != 0) revert DisputeDone();
        (Readiness readiness, bytes32 value) = _beacon.valueOf(draw.round);
        if (readiness == Readiness.Pending) revert DisputeTooEarly(block.number, uint256(draw.round) + 1);
        // Whoever waits for a round to pass gains nothing by it.
        if (readiness == Readiness.Lapsed) return _ask(jobId, draw, true);

        Params memory params = _paramsOf(job);
        bool audited =
            draw.certain || uint256(keccak256(abi.encode(value, jobId))) % BPS < _rate(params, draw.provider);
        draw.value = value;
        draw.audited = audited;
        standing.auditUntil = uint40(block.timestamp + (audited ? job.terms.window : 0));
        standing.revealedBy = uint40(standing.auditUntil + 2 * uint256(params.revealTime));
        emit DrawResolved(jobId, audited, standing.auditUntil);
    }

    /// @inheritdoc IClerk
    function commitAudit(bytes32 jobId, bytes32 commitment) external {
        Standing storage standing = _standing[jobId];
        if (block.timestamp > standing.auditUntil) revert DisputeTooLate(block.timestamp, standing.auditUntil);
        if (_market.stateOf(jobId) != JobState.Committed) revert DisputeWrongJob(jobId);
        if (!isDrawn(jobId, msg.sender)) revert DisputeNotDrawn(jobId, msg.sender);
        if (commitment == 0 || _commitment[jobId][msg.sender] != 0) revert DisputeDone();
        _commitment[jobId][msg.sender] = commitment;
        ++standing.commitments;
        emit AuditCommitted(jobId, msg.sender, commitment);
    }

    /// @inheritdoc IClerk
    function revealAudit(Job calldata job, bytes32 salt) external {
        _requireRecord(job, JobState.Submitted);
        bytes32 jobId = job.terms.jobId;
        bytes32 commitment = auditCommitmentOf(jobId, msg.sender, job.progress.traceRoot, salt);
        bytes32 made = _commitment[jobId][msg.sender];
        if (made != commitment) revert DisputeMismatch(made, commitment);
        if (_owed[jobId][msg.sender]) revert DisputeDone();
        _owed[jobId][msg.sender] = true;
        ++_standing[jobId].auditors;
        emit AuditRevealed(jobId, msg.sender);
    }

    /// @inheritdoc IClerk
    function claimAudit(Job calldata job) external {
        _requireRecord(job, JobState.Settled);
        bytes32 jobId = job.terms.jobId;
        if (!_owed[jobId][msg.sender]) revert DisputeDone();
        // A commitment is for one payment: without it the result cannot be shown again either.
        delete _owed[jobId][msg.sender];
        delete _commitment[jobId][msg.sender];
        uint256 auditors = _standing[jobId].auditors;
        uint256 amount = job.terms.auditLine / auditors;
        Draw storage draw = _draw[jobId];
        if (!draw.counted) {
            draw.counted = true;
            ++_audited[job.terms.provider];
            amount += job.terms.auditLine % auditors;
        }
        emit AuditPaid(jobId, msg.sender, amount);
        // The market paid the line into this contract's free balance.
        _ledger.moveIn(address(this), amount);
        _ledger.moveOut(msg.sender, amount);
    }

    /// @inheritdoc IClerk
    function isDrawn(bytes32 jobId, address auditor) public view returns (bool) {
        Draw memory draw = _draw[jobId];
        if (!draw.audited || auditor == draw.provider) return false;
        IVotes votes = IVotes(address(_staking));
        uint256 all = votes.getPastTotalSupply(draw.votesAt) - votes.getPastVotes(draw.provider, draw.votesAt);
        uint256 lot = uint128(uint256(keccak256(abi.encode(draw.value, jobId, auditor))));
        return lot * all < (AUDITORS * votes.getPastVotes(auditor, draw.votesAt)) << 128;
    }

    /// @inheritdoc IClerk
    function auditCommitmentOf(
        bytes32 jobId,
        address auditor,
        bytes32 traceRoot,
        bytes32 salt
    ) public pure returns (bytes32) {
        return keccak256(abi.encode(jobId, auditor, traceRoot, salt));
    }

    /// @inheritdoc IClerk
    function auditRateOf(address provider, uint32 paramsVersion) external view returns (uint256) {
        return _rate(_parameters.paramsAt(paramsVersion), provider);
    }

    function _ask(bytes32 jobId, Draw storage draw, bool certain) private {
        draw.round = _beacon.nextRound();
        draw.certain = certain;
        emit DrawOpened(jobId, draw.round, certain);
    }

    function _rate(Params memory params, address provider) private view returns (uint256 rate) {
        rate = params.auditRateBps;
        uint256 successes = _audited[provider];
        if (successes > STRAIGHT) rate = (rate * STRAIGHT) / successes;
        if (rate < params.auditFloorBps) rate = params.auditFloorBps;
    }
}
