// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Address} from "@openzeppelin/contracts/utils/Address.sol";

import {IMainPath} from "../interfaces/IMainPath.sol";
import {IProvenance} from "../interfaces/IProvenance.sol";
import {IReputation} from "../interfaces/IReputation.sol";
import {Raw} from "../libraries/Raw.sol";
import {Records} from "../libraries/Records.sol";
import {Work} from "../libraries/Work.sol";
import {Acceptance} from "../types/Acceptance.sol";
import {Assurance} from "../types/Assurance.sol";
import {Job, Terms} from "../types/Job.sol";
import {JobState} from "../types/JobState.sol";
import {Request} from "../types/Request.sol";
import {SignOff} from "../types/SignOff.sol";
import {Submission} from "../types/Submission.sol";
import {Book} from "./Book.sol";
import {SidePaths} from "./SidePaths.sol";
import {Submissions} from "./Submissions.sol";

/// @title Market: the main path, up to the payment
/// @dev Documented in {IMarket}. Calls of anything not found here run the code of `sidePaths` on this contract's storage:
/// an address fixed at deployment, whose code cannot change either.
contract Market is Submissions {
    using Records for bytes32;
    using Work for Terms;

    /// @inheritdoc IMainPath
    address public immutable sidePaths;

    /// @param probe Amount of the token that is pulled from the deployer and given back, to see that the token moves what it
    /// is asked to.
    constructor(Modules memory modules, address sidePaths_, uint256 probe) Book(modules) {
        // The modules know the market they were made for: a wrong address in any of them stops the deployment.
        if (modules.staking.market() != address(this)) revert MarketMiswired(address(modules.staking));
        if (modules.reputation.market() != address(this)) revert MarketMiswired(address(modules.reputation));
        if (modules.provenance.market() != address(this)) revert MarketMiswired(address(modules.provenance));
        // Its code has its own copy of the modules, and must speak to the same ones.
        if (sidePaths_.code.length == 0 || SidePaths(sidePaths_).modulesHash() != keccak256(abi.encode(modules))) {
            revert MarketMiswired(sidePaths_);
        }
        sidePaths = sidePaths_;
        _probe(probe);
    }

    // solhint-disable-next-line no-complex-fallback
    fallback() external {
        address code = sidePaths;
        assembly ("memory-safe") {
            let free := mload(0x40)
            calldatacopy(free, 0, calldatasize())
            let ok := delegatecall(gas(), code, free, calldatasize(), 0, 0)
            returndatacopy(free, 0, returndatasize())
            if iszero(ok) {
                revert(free, returndatasize())
            }
            return(free, returndatasize())
        }
    }

    /// @inheritdoc IMainPath
    function settle(Job calldata job) external {
        _requireState(job, JobState.Submitted);
        if (block.timestamp <= job.progress.windowEnd) {
            revert MarketTooEarly(block.timestamp, uint256(job.progress.windowEnd) + 1);
        }
        _settle(job, Assurance.Window);
    }

    /// @inheritdoc IMainPath
    function settleBatch(Job[] calldata jobs) external {
        for (uint256 i = 0; i < jobs.length; ++i) {
            uint256 mark = _mark();
            (bool ok, bytes memory result) = _try(bytes.concat(this.settle.selector, Raw.words(jobs[i])));
            if (!ok) emit SettlementSkipped(i, jobs[i].terms.jobId, result);
            _release(mark);
        }
    }

    /// @inheritdoc IMainPath
    function settleSignedOff(Job calldata job, SignOff calldata signOff, bytes calldata signature) external {
        _requireState(job, JobState.Submitted);
        if (signOff.jobId != job.terms.jobId) revert MarketWrongJob(job.terms.jobId, signOff.jobId);
        if (signOff.traceRoot != job.progress.traceRoot) {
            revert MarketWrongTrace(job.progress.traceRoot, signOff.traceRoot);
        }
        // A receipt that a later one may still replace is not signed off over the provider's head.
        if (block.timestamp < job.progress.submittedAt) {
            revert MarketTooEarly(block.timestamp, job.progress.submittedAt);
        }
        _requireSigned(job.terms.requester, _signOffDigest(signOff), signature);
        _settle(job, Assurance.SignedOff);
    }

    /// @inheritdoc IMainPath
    function stateOf(bytes32 jobId) external view returns (JobState) {
        return _jobs[jobId].stateOf();
    }

    /// @inheritdoc IMainPath
    function isRecord(Job calldata job) external view returns (bool) {
        bytes32 packed = _jobs[job.terms.jobId];
        return packed.stateOf() != JobState.None && packed.holds(job);
    }

    /// @inheritdoc IMainPath
    function placesTaken(Request calldata request) external view returns (uint256) {
        if (_mustCommit(request.replicas, request.auditLine)) return _places[_requestDigest(request)].taken;
        return _nonceBits(request.requester, request.nonce) & TAKEN != 0 ? 1 : 0;
    }

    /// @inheritdoc IMainPath
    function requestDigest(Request calldata request) external view returns (bytes32) {
        return _requestDigest(request);
    }

    /// @inheritdoc IMainPath
    function acceptanceDigest(Acceptance calldata acceptance) external view returns (bytes32) {
        return _acceptanceDigest(acceptance);
    }

    /// @inheritdoc IMainPath
    function submissionDigest(Submission calldata submission) external view returns (bytes32) {
        return _submissionDigest(submission);
    }

    /// @inheritdoc IMainPath
    function staking() external view returns (address) {
        return address(_staking);
    }

    /// @inheritdoc IMainPath
    function reputation() external view returns (address) {
        return address(_reputation);
    }

    /// @inheritdoc IMainPath
    function provenance() external view returns (address) {
        return address(_provenance);
    }

    /// @inheritdoc IMainPath
    function parameters() external view returns (address) {
        return address(_parameters);
    }

    function _settle(Job calldata job, Assurance reached) private {
        Terms calldata terms = job.terms;
        (uint256 liveGames, bool won, uint40 auditUntil, uint256 auditors) = _disputeStatus(job);
        if (liveGames != 0 || auditUntil == UNRESOLVED) revert MarketDisputeLive(terms.jobId);
        uint8 agreeing = terms.replicas > 1 ? _agreeing[terms.requestDigest][job.progress.traceRoot] : 1;
        if (auditors != 0) reached = Assurance.Audited;
        else if (agreeing > 1) reached = Assurance.Replicated;
        else if (won && reached == Assurance.Window) reached = Assurance.Played;

        _setState(terms.jobId, JobState.Settled);
        (uint256 paid, uint256 protocolFee) = _pay(job, reached, auditors != 0);
        _staking.free(terms.provider, terms.collateral);
        _reputation.record(
            terms.provider,
            _isLate(job) ? IReputation.Fact.Late : IReputation.Fact.Completed,
            protocolFee
        );
        // A result equal to its parent shows no work.
        if (job.progress.modelRoot != terms.parentRoot) _writeProvenance(job, paid, reached, agreeing);
    }

    /// @dev Escrow to provider, treasury, matcher, auditors and requester: each share rounds down, and what remains goes back.
    function _pay(
        Job calldata job,
        Assurance reached,
        bool audited
    ) private returns (uint256 paid, uint256 protocolFee) {
        Terms calldata terms = job.terms;
        (uint256 done, uint256 all) = terms.unitsUpTo(job.progress.checkpoint);
        paid = (terms.price * done) / all;
        if (_isLate(job)) paid -= Work.share(paid, _paramsOf(job).latenessBps);
        protocolFee = (terms.protocolFee * done) / all;
        uint256 matcherFee = (terms.matcherFee * done) / all;
        uint256 refunded = Work.escrow(terms) - paid - protocolFee - matcherFee;
        if (audited) {
            refunded -= terms.auditLine;
            _credit(terms.disputes, terms.auditLine);
        }
        _credit(terms.provider, paid);
        _credit(terms.treasury, protocolFee);
        _credit(terms.matcher, matcherFee);
        _credit(terms.requester, refunded);
        emit Settled(terms.jobId, reached, paid, refunded, protocolFee, matcherFee);
    }

    /// @dev `IProvenance.write(job, …)` with the record's words as they lie in calldata.
    function _writeProvenance(Job calldata job, uint256 paid, Assurance reached, uint8 agreeing) private {
        Address.functionCall(
            address(_provenance),
            bytes.concat(IProvenance.write.selector, Raw.words(job), abi.encode(paid, reached, agreeing))
        );
    }

    /// @dev Whether a receipt stands because the deadline passed. A committed job was in time, and a stopped one was due when
    /// it was stopped.
    function _isLate(Job calldata job) private pure returns (bool) {
        return
            job.progress.submittedAt > job.terms.deadline &&
            job.progress.stoppedAt == 0 &&
            job.progress.committedAt == 0;
    }
}
