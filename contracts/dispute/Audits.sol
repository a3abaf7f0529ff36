// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IVotes} from "@openzeppelin/contracts/governance/utils/IVotes.sol";

import {ISidePaths} from "../interfaces/ISidePaths.sol";
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
    /// Fees of the job that successes in a row have paid at the whole rate: reputation from jobs of nothing is worth nothing.
    uint256 private constant STRAIGHT = 10;
    uint256 private constant BPS = 10_000;

    mapping(bytes32 jobId => Draw) private _draw;
    mapping(bytes32 jobId => mapping(address auditor => bytes32)) private _commitment;
    /// @dev Auditors that showed the result that stands, and were not paid yet.
    mapping(bytes32 jobId => mapping(address auditor => bool)) private _owed;
    /// @dev Auditors that showed another result than the one that was slashed, and were not paid yet.
    mapping(bytes32 jobId => mapping(address auditor => bool)) private _dissented;

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
            draw.certain ||
                uint256(keccak256(abi.encode(value, jobId))) % BPS <
                    _rate(params, draw.provider, job.terms.protocolFee);
        draw.value = value;
        draw.audited = audited;
        standing.auditUntil = uint40(block.timestamp + (audited ? job.terms.window : 0));
        standing.revealTime = params.revealTime;
        emit DrawResolved(jobId, audited, standing.auditUntil);
        _callMarket(ISidePaths.noteDraw.selector, job, abi.encode(standing.auditUntil));
    }

    /// @inheritdoc IClerk
    function commitAudit(bytes32 jobId, address auditor, bytes32 commitment) external {
        _requireActor(auditor);
        Standing storage standing = _standing[jobId];
        if (block.timestamp > standing.auditUntil) revert DisputeTooLate(block.timestamp, standing.auditUntil);
        if (_market.stateOf(jobId) != JobState.Committed) revert DisputeWrongJob(jobId);
        if (!isDrawn(jobId, auditor)) revert DisputeNotDrawn(jobId, auditor);
        if (commitment == 0 || _commitment[jobId][auditor] != 0) revert DisputeDone();
        _commitment[jobId][auditor] = commitment;
        ++standing.commitments;
        emit AuditCommitted(jobId, auditor, commitment);
    }

    /// @inheritdoc IClerk
    function revealAudit(Job calldata job, address auditor, bytes32 salt) external {
        _requireRecord(job, JobState.Submitted);
        bytes32 jobId = job.terms.jobId;
        _requireCommitted(jobId, auditor, job.progress.traceRoot, salt);
        if (_owed[jobId][auditor]) revert DisputeDone();
        _owed[jobId][auditor] = true;
        ++_standing[jobId].auditors;
        emit AuditRevealed(jobId, auditor);
    }

    /// @inheritdoc IClerk
    function revealDissent(Job calldata job, address auditor, bytes32 traceRoot, bytes32 salt) external {
        _requireRecord(job, JobState.Slashed);
        bytes32 jobId = job.terms.jobId;
        Reward storage reward = _reward[jobId];
        if (block.timestamp > reward.until) revert DisputeTooLate(block.timestamp, reward.until);
        if (traceRoot == job.progress.traceRoot) revert DisputeNothingToDispute();
        _requireCommitted(jobId, auditor, traceRoot, salt);
        delete _commitment[jobId][auditor];
        _dissented[jobId][auditor] = true;
        ++reward.auditors;
        emit AuditDissented(jobId, auditor, traceRoot);
    }

    /// @inheritdoc IClerk
    function claimReward(bytes32 jobId, address account) external {
        Reward storage reward = _reward[jobId];
        if (reward.winner == address(0)) revert DisputeDone();
        if (block.timestamp <= reward.until) revert DisputeTooEarly(block.timestamp, uint256(reward.until) + 1);
        uint256 auditors = reward.auditors;
        uint256 amount = reward.amount;
        if (auditors == 0) {
            if (account != reward.winner) revert DisputeNotDrawn(jobId, account);
        } else {
            if (!_dissented[jobId][account]) revert DisputeNotDrawn(jobId, account);
            delete _dissented[jobId][account];
            // What does not divide is the last one's.
            amount /= auditors;
        }
        if (auditors > 1) {
            reward.auditors = uint16(auditors - 1);
            reward.amount -= amount;
        } else {
            delete _reward[jobId];
        }
        emit RewardPaid(jobId, account, amount);
        if (amount != 0) _ledger.moveOut(account, amount);
    }

    /// @inheritdoc IClerk
    function claimAudit(Job calldata job, address auditor) external {
        _requireRecord(job, JobState.Settled);
        bytes32 jobId = job.terms.jobId;
        if (!_owed[jobId][auditor]) revert DisputeDone();
        // A commitment is for one payment: without it the result cannot be shown again either.
        delete _owed[jobId][auditor];
        delete _commitment[jobId][auditor];
        uint256 auditors = _standing[jobId].auditors;
        uint256 amount = job.terms.auditLine / auditors;
        Draw storage draw = _draw[jobId];
        if (!draw.counted) {
            draw.counted = true;
            // A provider that lets rounds pass is not drawn more rarely for it.
            if (!draw.certain) _audited[job.terms.provider] += job.terms.protocolFee;
            amount += job.terms.auditLine % auditors;
        }
        emit AuditPaid(jobId, auditor, amount);
        // The market paid the line into this contract's free balance.
        _ledger.moveIn(address(this), amount);
        _ledger.moveOut(auditor, amount);
    }

    /// @inheritdoc IClerk
    function isDrawn(bytes32 jobId, address auditor) public view returns (bool) {
        Draw memory draw = _draw[jobId];
        if (!draw.audited || auditor == draw.provider) return false;
        IVotes votes = IVotes(address(_staking));
        // Another may vote with the provider's stake, and would audit it with that.
        (address voter, uint256 own) = _staking.ownVotesAt(draw.provider, draw.votesAt);
        uint256 all = votes.getPastTotalSupply(draw.votesAt) - votes.getPastVotes(draw.provider, draw.votesAt);
        if (voter != draw.provider) all -= own;
        uint256 share = votes.getPastVotes(auditor, draw.votesAt);
        if (voter == auditor) share -= own;
        uint256 lot = uint128(uint256(keccak256(abi.encode(draw.value, jobId, auditor))));
        return lot * all < (AUDITORS * share) << 128;
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
    function auditOf(
        bytes32 jobId,
        address auditor
    ) external view returns (bytes32 commitment, bool shown, bool dissented) {
        return (_commitment[jobId][auditor], _owed[jobId][auditor], _dissented[jobId][auditor]);
    }

    /// @inheritdoc IClerk
    function rewardOf(
        bytes32 jobId
    ) external view returns (address winner, uint40 until, uint256 auditors, uint256 amount) {
        Reward memory reward = _reward[jobId];
        return (reward.winner, reward.until, reward.auditors, reward.amount);
    }

    /// @inheritdoc IClerk
    function auditRateOf(address provider, uint32 paramsVersion, uint128 protocolFee) external view returns (uint256) {
        return _rate(_parameters.paramsAt(paramsVersion), provider, protocolFee);
    }

    function _requireCommitted(bytes32 jobId, address auditor, bytes32 traceRoot, bytes32 salt) private view {
        bytes32 commitment = auditCommitmentOf(jobId, auditor, traceRoot, salt);
        bytes32 made = _commitment[jobId][auditor];
        if (made != commitment) revert DisputeMismatch(made, commitment);
    }

    function _ask(bytes32 jobId, Draw storage draw, bool certain) private {
        draw.round = _beacon.nextRound();
        draw.certain = certain;
        emit DrawOpened(jobId, draw.round, certain);
    }

    function _rate(Params memory params, address provider, uint256 protocolFee) private view returns (uint256 rate) {
        rate = params.auditRateBps;
        uint256 earned = _audited[provider];
        // Without a fee there is nothing to weigh it against.
        if (protocolFee != 0 && earned > STRAIGHT * protocolFee) rate = (rate * STRAIGHT * protocolFee) / earned;
        if (rate < params.auditFloorBps) rate = params.auditFloorBps;
    }
}
