// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {IReputation} from "../interfaces/IReputation.sol";
import {ISidePaths} from "../interfaces/ISidePaths.sol";
import {Traces} from "../libraries/Traces.sol";
import {Work} from "../libraries/Work.sol";
import {Job, Progress, Terms} from "../types/Job.sol";
import {JobState} from "../types/JobState.sol";
import {Offer} from "../types/Offer.sol";
import {Params} from "../types/Params.sol";
import {Places} from "../types/Places.sol";
import {Request} from "../types/Request.sol";
import {SignOff} from "../types/SignOff.sol";
import {Submission} from "../types/Submission.sol";
import {Book} from "./Book.sol";

/// @title SidePaths: what can happen beside the main path
/// @dev Documented in {ISidePaths}. Runs on the storage of the market, which is why nothing here has state of its own.
/// Escrow leaves a job in exactly one of `Market._settle`, `expire`, `_slash` and `voidJob`, each of which puts the job into
/// a final state first.
contract SidePaths is ISidePaths, Book {
    using Traces for Submission;

    /// @notice What it was made with, for the market to compare: `keccak256(abi.encode(modules))`.
    bytes32 public immutable modulesHash;

    constructor(Modules memory modules) Book(modules) {
        modulesHash = keccak256(abi.encode(modules));
    }

    /// @inheritdoc ISidePaths
    function announce(Request calldata request, bytes calldata signature) external {
        bytes32 digest = _requestDigest(request);
        if (block.timestamp > request.expiry) revert MarketRequestExpired(request.expiry);
        if (isCancelled(request)) revert MarketRequestCancelled(digest);
        _requireSigned(request.requester, digest, signature);
        emit Announced(digest, request.requester, request, signature);
    }

    /// @inheritdoc ISidePaths
    function cancelNonce(uint64 nonce) public {
        if (_nonceBits(msg.sender, nonce) & CANCELLED == 0) _flipNonce(msg.sender, nonce, CANCELLED);
        emit NonceCancelled(msg.sender, nonce);
    }

    /// @inheritdoc ISidePaths
    function cancelRequest(Request calldata request) external {
        if (msg.sender != request.requester) revert MarketNotRequester(request.requester, msg.sender);
        bytes32 digest = _requestDigest(request);
        if (_mustCommit(request.replicas, request.auditLine)) _places[digest].cancelled = true;
        else cancelNonce(request.nonce);
        emit RequestCancelled(digest, msg.sender);
    }

    /// @inheritdoc ISidePaths
    function commit(Job calldata job, bytes32 commitment) external {
        _requireProvider(job);
        _requireState(job, JobState.Active);
        if (!_mustCommit(job.terms.replicas, job.terms.auditLine)) revert MarketNoCommitNeeded(job.terms.jobId);
        if (commitment == 0) revert MarketBadSubmission("commitment");
        _requireInTime(job);

        Places storage places = _places[job.terms.requestDigest];
        if (++places.committed == job.terms.replicas) places.revealFrom = uint40(block.timestamp);
        if (places.closesAt == 0 || job.terms.deadline < places.closesAt) places.closesAt = job.terms.deadline;
        if (_isDrawnTogether(job)) ++places.undrawn;
        Progress memory progress = job.progress;
        progress.commitment = commitment;
        progress.committedAt = uint40(block.timestamp);
        _store(job.terms, progress, JobState.Committed);
        emit CommitmentMade(job.terms.jobId, commitment, progress.committedAt);
    }

    /// @inheritdoc ISidePaths
    function reveal(Job calldata job, Submission calldata submission, bytes32 salt) external {
        _requireState(job, JobState.Committed);
        bytes32 commitment = commitmentOf(submission, salt);
        if (commitment != job.progress.commitment) revert MarketWrongReveal(job.progress.commitment, commitment);
        (uint256 from, uint256 until) = _revealTimes(job, _paramsOf(job).revealTime);
        if (block.timestamp < from) revert MarketTooEarly(block.timestamp, from);
        if (block.timestamp > until) revert MarketTooLate(block.timestamp, until);

        Places storage places = _places[job.terms.requestDigest];
        if (places.revealFrom == 0) places.revealFrom = places.lastDeadline + 1;
        uint256 last = Work.checkpoints(job.terms);
        if (submission.checkpoint != last) revert MarketBadCheckpoint(submission.checkpoint, last);
        bytes32 traceRoot = _stand(job, submission, last, block.timestamp);
        if (job.terms.replicas > 1) ++_agreeing[job.terms.requestDigest][traceRoot];
    }

    /// @inheritdoc ISidePaths
    function submitReceipt(Job calldata job, Submission calldata receipt, bytes calldata signature) external {
        Terms calldata terms = job.terms;
        JobState state = _stateOf(job);
        if (state != JobState.Active && state != JobState.Submitted) revert MarketWrongState(terms.jobId, state);
        if (_mustCommit(job.terms.replicas, job.terms.auditLine)) revert MarketCommitFirst(terms.jobId);
        if (job.progress.stoppedAt == 0 && block.timestamp <= terms.deadline) {
            revert MarketTooEarly(block.timestamp, uint256(terms.deadline) + 1);
        }
        uint256 graceEnd = _graceEnd(job, _paramsOf(job));
        if (block.timestamp > graceEnd) revert MarketTooLate(block.timestamp, graceEnd);
        uint256 least = _leastReceipt[terms.jobId][terms.provider];
        if (receipt.checkpoint < least) revert MarketBadCheckpoint(receipt.checkpoint, least);
        // A full result cannot be replaced: no checkpoint is later.
        if (receipt.checkpoint <= job.progress.checkpoint) {
            revert MarketBadCheckpoint(receipt.checkpoint, job.progress.checkpoint);
        }
        _requireSignedForProvider(terms.provider, _submissionDigest(receipt), signature);
        // What a game is about is not replaced under it, whenever the game opened.
        (uint256 liveGames, , , ) = _disputeStatus(job);
        if (liveGames != 0) revert MarketDisputeLive(terms.jobId);
        _stand(job, receipt, Work.checkpoints(terms), graceEnd + 1);
    }

    /// @inheritdoc ISidePaths
    function showReceipt(address provider, Submission calldata receipt, bytes calldata signature) external {
        _requireSignedForProvider(provider, _submissionDigest(receipt), signature);
        uint256 least = _leastReceipt[receipt.jobId][provider];
        if (receipt.checkpoint <= least) revert MarketBadCheckpoint(receipt.checkpoint, least);
        _leastReceipt[receipt.jobId][provider] = receipt.checkpoint;
        emit ReceiptShown(receipt.jobId, provider, receipt.checkpoint);
    }

    /// @inheritdoc ISidePaths
    function stop(Job calldata job) external {
        Terms calldata terms = job.terms;
        if (msg.sender != terms.requester) revert MarketNotRequester(terms.requester, msg.sender);
        _requireState(job, JobState.Active);
        // One second too late, or once already: there is nothing left to stop.
        if (block.timestamp > terms.deadline) revert MarketTooLate(block.timestamp, terms.deadline);
        if (job.progress.stoppedAt != 0) revert MarketTooLate(block.timestamp, job.progress.stoppedAt);

        Progress memory progress = job.progress;
        progress.stoppedAt = uint40(block.timestamp);
        _store(terms, progress, JobState.Active);
        if (_mustCommit(terms.replicas, terms.auditLine)) {
            // It may commit until then, and nothing is revealed before.
            uint40 graceEnd = uint40(block.timestamp + _paramsOf(job).receiptGrace);
            Places storage places = _places[terms.requestDigest];
            if (graceEnd > places.lastDeadline) places.lastDeadline = graceEnd;
        }
        emit Stopped(terms.jobId, progress.stoppedAt);
        _reputation.record(terms.requester, IReputation.Fact.Stopped, terms.protocolFee);
    }

    /// @inheritdoc ISidePaths
    function expire(Job calldata job) external {
        Terms calldata terms = job.terms;
        JobState state = _stateOf(job);
        Params memory params = _paramsOf(job);
        uint256 until;
        uint256 penalty = 0;
        bool atFault = true;
        if (state == JobState.Active) {
            until = _graceEnd(job, params);
            // A provider that was stopped owes nothing.
            atFault = job.progress.stoppedAt == 0;
            if (atFault) penalty = Work.share(terms.collateral, params.expiryPenaltyBps);
        } else if (state == JobState.Committed) {
            (, until) = _revealTimes(job, params.revealTime);
            penalty = Work.share(terms.collateral, Math.max(params.latenessBps, params.expiryPenaltyBps));
        } else {
            revert MarketWrongState(terms.jobId, state);
        }
        if (block.timestamp <= until) revert MarketTooEarly(block.timestamp, until + 1);
        penalty = Math.min(penalty, terms.collateral);

        uint256 refunded = Work.escrow(terms);
        _end(job, JobState.Expired);
        emit Expired(terms.jobId, refunded, penalty);
        if (penalty != 0) _staking.slash(terms.provider, terms.jobId, penalty, address(0));
        _staking.free(terms.provider, terms.collateral - penalty);
        if (!atFault) return;
        // The provider set the price, maybe at one base unit; the requester has a say in the collateral.
        uint256 weight = Math.max(terms.protocolFee, Work.share(terms.collateral, params.protocolFeeBps));
        _reputation.record(terms.provider, IReputation.Fact.Expired, weight);
    }

    /// @inheritdoc ISidePaths
    function slashConflict(
        Job calldata job,
        Submission calldata first,
        bytes calldata firstSignature,
        Submission calldata second,
        bytes calldata secondSignature
    ) external {
        _requireOpen(job);
        if (first.checkpoint != second.checkpoint || first.root() == second.root()) {
            revert MarketNoConflict(job.terms.jobId);
        }
        _requireReceipt(job, first, firstSignature);
        _requireReceipt(job, second, secondSignature);
        // A provider that is losing a game, or found out by auditors, cannot give the reward to a friend instead; nor can a friend's
        // game or demand keep it from being slashed.
        (uint256 liveGames, , uint256 auditUntil, ) = _disputeStatus(job);
        bool contested = liveGames != 0 || auditUntil >= block.timestamp;
        _slash(job, contested ? address(0) : msg.sender, 0);
    }

    /// @inheritdoc ISidePaths
    function noteDraw(Job calldata job, uint40 auditUntil) external {
        _requireDisputes(job);
        _requireState(job, JobState.Committed);
        if (!_isDrawnTogether(job)) return;
        Places storage places = _places[job.terms.requestDigest];
        --places.undrawn;
        if (auditUntil > places.auditUntil) places.auditUntil = auditUntil;
    }

    /// @inheritdoc ISidePaths
    function slash(Job calldata job, address winner, uint256 costs) external {
        _requireDisputes(job);
        _requireState(job, JobState.Submitted);
        _slash(job, winner, costs);
    }

    /// @inheritdoc ISidePaths
    function voidJob(Job calldata job) external {
        _requireDisputes(job);
        _requireOpen(job);
        _end(job, JobState.Void);
        emit Voided(job.terms.jobId, Work.escrow(job.terms));
        _staking.free(job.terms.provider, job.terms.collateral);
    }

    /// @inheritdoc ISidePaths
    function noteLostChallenge(Job calldata job, address challenger) external {
        _requireDisputes(job);
        _stateOf(job);
        if (challenger != job.terms.requester) revert MarketNotRequester(job.terms.requester, challenger);
        _reputation.record(challenger, IReputation.Fact.ChallengeLost, job.terms.protocolFee);
    }

    /// @inheritdoc ISidePaths
    function signOffDigest(SignOff calldata signOff) external view returns (bytes32) {
        return _signOffDigest(signOff);
    }

    /// @inheritdoc ISidePaths
    function traceRootOf(Submission calldata submission) external pure returns (bytes32) {
        return submission.root();
    }

    /// @inheritdoc ISidePaths
    function offerDigest(Offer calldata offer) external view returns (bytes32) {
        return _offerDigest(offer);
    }

    /// @inheritdoc ISidePaths
    function commitmentOf(Submission calldata submission, bytes32 salt) public view returns (bytes32) {
        return keccak256(abi.encode(_submissionDigest(submission), salt));
    }

    /// @inheritdoc ISidePaths
    function isCancelled(Request calldata request) public view returns (bool) {
        return
            _nonceBits(request.requester, request.nonce) & CANCELLED != 0 || _places[_requestDigest(request)].cancelled;
    }

    /// @dev Of the collateral: the burn share is set aside first; then come costs, reward and damages as far as it lasts;
    /// what nobody gets is burned too, and the reward where there is no winner: it adds nothing to the damages.
    function _slash(Job calldata job, address winner, uint256 costs) private {
        Terms calldata terms = job.terms;
        Params memory params = _paramsOf(job);
        uint256 rest = terms.collateral - Work.share(terms.collateral, params.burnBps);
        uint256 reward = Math.min(costs, rest);
        reward += Math.min(Work.share(terms.collateral, params.rewardBps), rest - reward);
        uint256 damages = Math.min(terms.statedLoss, rest - reward);
        if (winner == address(0)) reward = 0;
        uint256 toBurn = terms.collateral - reward - damages;

        _end(job, JobState.Slashed);
        emit Slashed(terms.jobId, winner, Work.escrow(terms), reward, damages, toBurn);
        if (reward != 0) _staking.slash(terms.provider, terms.jobId, reward, winner);
        if (damages != 0) _staking.slash(terms.provider, terms.jobId, damages, terms.requester);
        if (toBurn != 0) _staking.slash(terms.provider, terms.jobId, toBurn, address(0));
        _reputation.record(terms.provider, IReputation.Fact.Slashed, terms.protocolFee);
    }

    /// @dev Final state for a job that came to nothing: its escrow goes back, and its place to the request.
    function _end(Job calldata job, JobState to) private {
        _setState(job.terms.jobId, to);
        if (_mustCommit(job.terms.replicas, job.terms.auditLine)) {
            Places storage places = _places[job.terms.requestDigest];
            --places.taken;
            bool revealed = job.progress.submittedAt != 0;
            if (revealed && job.terms.replicas > 1) --_agreeing[job.terms.requestDigest][job.progress.traceRoot];
            if (!revealed && job.progress.committedAt != 0 && _isDrawnTogether(job)) {
                (, , uint256 auditUntil, ) = _disputeStatus(job);
                if (auditUntil == UNRESOLVED) --places.undrawn;
            }
            // Nothing was shown and nobody is left who may be about to: the request is as open as at first.
            if (!revealed && job.progress.committedAt != 0 && --places.committed == 0) {
                places.revealFrom = 0;
                places.closesAt = 0;
            }
        } else {
            _flipNonce(job.terms.requester, job.terms.nonce, TAKEN);
        }
        _credit(job.terms.requester, Work.escrow(job.terms));
    }

    function _requireReceipt(Job calldata job, Submission calldata receipt, bytes calldata signature) private view {
        if (receipt.jobId != job.terms.jobId) revert MarketWrongJob(job.terms.jobId, receipt.jobId);
        // What stands was sent by the provider itself, or with its signature.
        bool stands = receipt.checkpoint == job.progress.checkpoint && receipt.root() == job.progress.traceRoot;
        if (stands && signature.length == 0) return;
        // A key that was dropped since the job was agreed answers too: else who signs two results drops it in time.
        _requireSignedSince(job.terms.provider, job.terms.agreedAt, _submissionDigest(receipt), signature);
    }

    function _requireOpen(Job calldata job) private view {
        JobState state = _stateOf(job);
        if (state != JobState.Active && state != JobState.Committed && state != JobState.Submitted) {
            revert MarketWrongState(job.terms.jobId, state);
        }
    }

    function _requireDisputes(Job calldata job) private view {
        if (msg.sender != job.terms.disputes) revert MarketNotDisputes(msg.sender);
    }

    /// @dev Replicas with auditors: what one shows, auditors of the others could copy.
    function _isDrawnTogether(Job calldata job) private pure returns (bool) {
        return job.terms.replicas > 1 && job.terms.auditLine != 0 && job.terms.disputes != address(0);
    }

    /// @dev First and last second at which a committed job can be revealed. A draw that is not resolved keeps both away, that of another
    /// replica too.
    function _revealTimes(Job calldata job, uint256 revealTime) private view returns (uint256 from, uint256 until) {
        Places memory places = _places[job.terms.requestDigest];
        from = places.revealFrom != 0 ? places.revealFrom : uint256(places.lastDeadline) + 1;
        (, , uint256 auditUntil, ) = _disputeStatus(job);
        if (places.undrawn != 0) auditUntil = UNRESOLVED;
        else if (places.auditUntil > auditUntil) auditUntil = places.auditUntil;
        if (auditUntil >= from) from = auditUntil + 1;
        until = from + revealTime;
    }
}
