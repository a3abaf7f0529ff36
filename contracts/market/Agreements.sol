// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IMainPath} from "../interfaces/IMainPath.sol";
import {Raw} from "../libraries/Raw.sol";
import {Records} from "../libraries/Records.sol";
import {Work} from "../libraries/Work.sol";
import {Acceptance} from "../types/Acceptance.sol";
import {Progress, Terms} from "../types/Job.sol";
import {JobState} from "../types/JobState.sol";
import {Pair} from "../types/Pair.sol";
import {Params} from "../types/Params.sol";
import {Places} from "../types/Places.sol";
import {Request} from "../types/Request.sol";
import {Book} from "./Book.sol";

/// @title Agreements: from two signatures to a job
/// @dev Documented in {IMarket}.
abstract contract Agreements is IMainPath, Book {
    using Records for bytes32;

    uint16 private constant NUMERICS = 1;
    uint8 private constant MAX_REPLICAS = 16;

    /// @inheritdoc IMainPath
    function agree(
        Request calldata request,
        bytes calldata requestSignature,
        Acceptance calldata acceptance,
        bytes calldata acceptanceSignature
    ) external returns (bytes32) {
        return _agree(request, requestSignature, acceptance, acceptanceSignature);
    }

    /// @inheritdoc IMainPath
    function agreeBatch(Pair[] calldata pairs) external returns (bytes32[] memory jobIds) {
        jobIds = new bytes32[](pairs.length);
        for (uint256 i = 0; i < pairs.length; ++i) {
            uint256 mark = _mark();
            (bool ok, bytes memory result) = _try(_pairCall(pairs[i]));
            if (ok) jobIds[i] = abi.decode(result, (bytes32));
            else emit PairSkipped(i, _requestDigest(pairs[i].request), result);
            _release(mark);
        }
    }

    /// @inheritdoc IMainPath
    function agreePair(Pair calldata pair) external returns (bytes32) {
        return _agree(pair.request, pair.requestSignature, pair.acceptance, pair.acceptanceSignature);
    }

    function _agree(
        Request calldata request,
        bytes calldata requestSignature,
        Acceptance calldata acceptance,
        bytes calldata acceptanceSignature
    ) private returns (bytes32) {
        _checkTimes(request, acceptance);
        _checkKnown(request);
        bytes32 digest = _requestDigest(request);
        if (acceptance.requestDigest != digest) revert MarketWrongRequest(digest, acceptance.requestDigest);
        bytes32 jobId = _acceptanceDigest(acceptance);
        if (_jobs[jobId] != 0) revert MarketJobExists(jobId);
        _requireSigned(request.requester, digest, requestSignature);
        _requireSignedForProvider(acceptance.provider, jobId, acceptanceSignature);
        _checkStart(request);
        _create(request, acceptance, jobId);
        return jobId;
    }

    function _create(Request calldata request, Acceptance calldata acceptance, bytes32 jobId) private {
        (uint32 version, uint40 pausedUntil, Params memory params) = _parameters.forAgreement();
        if (block.timestamp < pausedUntil) revert MarketPaused(pausedUntil);
        if (acceptance.paramsVersion != version) revert MarketWrongParams(version, acceptance.paramsVersion);
        Terms memory terms;
        terms.jobId = jobId;
        terms.requestDigest = acceptance.requestDigest;
        terms.nonce = request.nonce;
        terms.treasury = params.treasury;
        terms.disputes = params.disputes;
        _fillWork(terms, request);
        uint256 total = _fillMoney(terms, request, acceptance, params);
        _fillTimes(terms, request, params, version);
        _takePlace(request, terms);

        Progress memory progress;
        _jobs[jobId] = Raw.hash(terms, progress).pack(JobState.Active);
        _debit(terms.requester, total);
        emit Agreed(jobId, terms.requester, terms.provider, terms, request.programCid, request.dataCid);
        _staking.lock(terms.provider, terms.collateral);
    }

    function _checkTimes(Request calldata request, Acceptance calldata acceptance) private view {
        if (block.timestamp > request.expiry) revert MarketRequestExpired(request.expiry);
        if (block.timestamp > acceptance.expiry) revert MarketAcceptanceExpired(acceptance.expiry);
        if (request.matcher != address(0) && msg.sender != request.matcher && block.timestamp <= request.exclusiveUntil)
            revert MarketExclusive(request.matcher, request.exclusiveUntil);
    }

    function _checkKnown(Request calldata request) private pure {
        if (request.numerics != NUMERICS) revert MarketUnsupportedRequest("numerics");
        if (request.executor != 0) revert MarketUnsupportedRequest("executor");
        if (request.access != 0) revert MarketUnsupportedRequest("access");
        if (request.replicas == 0 || request.replicas > MAX_REPLICAS) revert MarketUnsupportedRequest("replicas");
        if (request.steps <= request.startStep) revert MarketUnsupportedRequest("steps");
        if (request.interval == 0) revert MarketUnsupportedRequest("interval");
        if (request.startRoot == 0 && request.startStep != 0) revert MarketUnsupportedRequest("startStep");
        if (request.startRoot != 0 && request.parentRoot == 0) revert MarketUnsupportedRequest("startRoot");
    }

    /// @dev A job that continues or fine-tunes another names a record that exists; one that starts from a state names the
    /// record of that state.
    function _checkStart(Request calldata request) private view {
        if (request.parentRoot == 0) return;
        (bytes32 stateRoot, uint32 step) = _provenance.startOf(request.parentRoot, request.parentIndex);
        if (request.startRoot == 0) return;
        if (stateRoot != request.startRoot || step != request.startStep) revert MarketParentMismatch(stateRoot, step);
    }

    function _fillWork(Terms memory terms, Request calldata request) private pure {
        terms.requester = request.requester;
        terms.programRoot = request.programRoot;
        terms.dataRoot = request.dataRoot;
        terms.startRoot = request.startRoot;
        terms.parentRoot = request.parentRoot;
        terms.parentIndex = request.parentIndex;
        terms.startStep = request.startStep;
        terms.steps = request.steps;
        terms.interval = request.interval;
        terms.initUnits = request.initUnits;
        terms.stepUnits = request.stepUnits;
        terms.evalUnits = request.evalUnits;
        terms.seed = request.seed;
        terms.numerics = request.numerics;
        terms.replicas = request.replicas;
        terms.auditLine = request.auditLine;
        terms.statedLoss = request.statedLoss;
    }

    function _fillMoney(
        Terms memory terms,
        Request calldata request,
        Acceptance calldata acceptance,
        Params memory params
    ) private view returns (uint256 total) {
        // A unit price beyond 128 bits is above any maximum, and the product below cannot overflow without it.
        if (acceptance.unitPrice > type(uint128).max) revert MarketAboveMaximum(acceptance.unitPrice, request.maximum);
        uint256 price = (acceptance.unitPrice * Work.units(request)) / Work.PRICE_ONE;
        if (price == 0) revert MarketPriceRoundsToZero();
        if (params.protocolFeeBps > request.maxProtocolFeeBps) {
            revert MarketFeeAboveCap(params.protocolFeeBps, request.maxProtocolFeeBps);
        }
        uint256 protocolFee = Work.share(price, params.protocolFeeBps);
        uint256 matcherFee = 0;
        if (request.matcher != address(0) && msg.sender == request.matcher) {
            matcherFee = request.matcherFee;
            uint256 cap = Work.share(price, params.matcherFeeCapBps);
            if (matcherFee > cap) revert MarketFeeAboveCap(matcherFee, cap);
            terms.matcher = msg.sender;
        }
        total = price + protocolFee + matcherFee + request.auditLine;
        if (total > request.maximum) revert MarketAboveMaximum(total, request.maximum);

        uint256 needed = Work.share(price, params.collateralBps);
        if (needed < request.minCollateral) needed = request.minCollateral;
        if (needed < request.statedLoss) needed = request.statedLoss;
        if (acceptance.collateral < needed) revert MarketInsufficientCollateral(acceptance.collateral, needed);

        terms.provider = acceptance.provider;
        // Neither is above the signed maximum, which has 128 bits.
        terms.price = uint128(price);
        terms.protocolFee = uint128(protocolFee);
        terms.matcherFee = uint128(matcherFee);
        terms.collateral = acceptance.collateral;
    }

    function _fillTimes(
        Terms memory terms,
        Request calldata request,
        Params memory params,
        uint32 version
    ) private view {
        uint256 window = Work.share(request.runTime, params.kappaBps);
        if (window < params.challengeWindow) window = params.challengeWindow;
        // Stake must not be able to leave before a window is over.
        if (request.runTime == 0 || window >= params.unbonding) revert MarketUnsupportedRequest("runTime");
        terms.agreedAt = uint40(block.timestamp);
        terms.deadline = uint40(block.timestamp + request.runTime);
        terms.window = uint32(window);
        terms.paramsVersion = version;
    }

    /// @dev At most `replicas` jobs of a request are open or settled.
    function _takePlace(Request calldata request, Terms memory terms) private {
        bytes32 digest = terms.requestDigest;
        uint256 bits = _nonceBits(request.requester, request.nonce);
        if (bits & CANCELLED != 0) revert MarketRequestCancelled(digest);
        if (!_mustCommit(request.replicas, request.auditLine)) {
            if (bits & TAKEN != 0) revert MarketNoPlaceLeft(digest, 1);
            _flipNonce(request.requester, request.nonce, TAKEN);
            return;
        }
        Places memory places = _places[digest];
        if (places.cancelled) revert MarketRequestCancelled(digest);
        if (places.taken >= request.replicas) revert MarketNoPlaceLeft(digest, request.replicas);
        if (places.revealFrom != 0 || (places.closesAt != 0 && block.timestamp > places.closesAt)) {
            revert MarketRevealed(digest);
        }
        ++places.taken;
        if (terms.deadline > places.lastDeadline) places.lastDeadline = terms.deadline;
        _places[digest] = places;
    }

    /// @dev Where free memory begins; `_release` frees all that was allocated since, of which nothing may be used again. A
    /// batch would otherwise pay for the memory of all its members at once.
    function _mark() internal pure returns (uint256 mark) {
        assembly ("memory-safe") {
            mark := mload(0x40)
        }
    }

    function _release(uint256 mark) internal pure {
        assembly ("memory-safe") {
            mstore(0x40, mark)
        }
    }

    /// @dev One member of a batch, as its carrier's own call: a failing one reverts alone.
    function _try(bytes memory call) internal returns (bool ok, bytes memory result) {
        // solhint-disable-next-line avoid-low-level-calls
        return address(this).delegatecall(call);
    }

    /// @dev `agreePair(pair)` with the pair's words as they lie in calldata. Where its parts lie in another order than any
    /// encoder's, some are cut off and the call fails by itself.
    function _pairCall(Pair calldata pair) private pure returns (bytes memory) {
        bytes calldata signature = pair.acceptanceSignature;
        bytes calldata words;
        assembly ("memory-safe") {
            words.offset := pair
            words.length := sub(add(signature.offset, signature.length), pair)
        }
        return bytes.concat(this.agreePair.selector, bytes32(uint256(0x20)), words);
    }
}
