// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IMarketBase} from "../../../../contracts/interfaces/IMarketBase.sol";
import {IProvenance} from "../../../../contracts/interfaces/IProvenance.sol";
import {Acceptance} from "../../../../contracts/types/Acceptance.sol";
import {Job} from "../../../../contracts/types/Job.sol";
import {JobState} from "../../../../contracts/types/JobState.sol";
import {Pair} from "../../../../contracts/types/Pair.sol";
import {ProvenanceRecord} from "../../../../contracts/types/ProvenanceRecord.sol";
import {Request} from "../../../../contracts/types/Request.sol";
import {Submission} from "../../../../contracts/types/Submission.sol";
import {Agreeing} from "../../support/Agreeing.sol";
import {vm} from "../../support/Vm.sol";

contract AgreeTest is Agreeing {
    function test_WhenHonest_ItLocksEscrowAndCollateralAndTakesThePlace() external {
        Request memory request = plainRequest();
        Pair memory pair = pairOf(request);
        uint256 before = free(requester.addr);

        Job memory job = agree(pair);

        assertState(job, JobState.Active);
        assertEq(job.terms.jobId, market.acceptanceDigest(pair.acceptance), "job id");
        assertEq(job.terms.requestDigest, market.requestDigest(request), "request digest");
        assertEq(job.terms.price, ONE, "price");
        assertEq(job.terms.protocolFee, FEE, "protocol fee");
        assertEq(job.terms.matcherFee, 0, "matcher fee");
        assertEq(job.terms.deadline, block.timestamp + RUN_TIME, "deadline");
        assertEq(job.terms.window, WINDOW, "window is kappa times the run time");
        assertEq(job.terms.treasury, treasury, "treasury");
        assertEq(job.terms.disputes, address(game), "game");
        assertEq(before - free(requester.addr), ONE + FEE, "escrow");
        assertEq(locked(provider.addr), ONE, "collateral");
        assertEq(market.placesTaken(request), 1, "places");
    }

    function test_WhenTheRunTimeIsShort_TheWindowIsTheLeastOne() external {
        Request memory request = plainRequest();
        request.runTime = 10;
        assertEq(agree(pairOf(request)).terms.window, 100, "window");
    }

    function test_RevertWhen_TheAcceptanceNamesAnotherRequest() external {
        Request memory request = plainRequest();
        Acceptance memory acceptance = plainAcceptance(request);
        acceptance.requestDigest = keccak256("another");
        refuse(
            pairOf(request, acceptance),
            abi.encodeWithSelector(
                IMarketBase.MarketWrongRequest.selector,
                market.requestDigest(request),
                acceptance.requestDigest
            )
        );
    }

    function test_RevertWhen_TheParametersHaveChangedSince() external {
        Pair memory pair = pairOf(plainRequest());
        vm.prank(governor);
        parameters.add(firstParams());
        refuse(pair, abi.encodeWithSelector(IMarketBase.MarketWrongParams.selector, 2, 1));
    }

    /// Peers' mistakes: identical requests that share an id; a retry that is not idempotent.
    function test_RevertWhen_ThePairIsAgreedTwice() external {
        Pair memory pair = pairOf(plainRequest());
        Job memory job = agree(pair);
        refuse(pair, abi.encodeWithSelector(IMarketBase.MarketJobExists.selector, job.terms.jobId));
    }

    function test_RevertWhen_TheRequestHasAJobAlready() external {
        Request memory request = plainRequest();
        agree(pairOf(request));
        Acceptance memory acceptance = plainAcceptance(request);
        acceptance.nonce = 2;
        refuse(
            pairOf(request, acceptance),
            abi.encodeWithSelector(IMarketBase.MarketNoPlaceLeft.selector, market.requestDigest(request), 1)
        );
    }

    function test_RevertWhen_AnotherRequestHasUsedTheNonce() external {
        agreed();
        Request memory request = plainRequest();
        request.seed = 43;
        refuse(
            pairOf(request),
            abi.encodeWithSelector(IMarketBase.MarketNoPlaceLeft.selector, market.requestDigest(request), 1)
        );
    }

    function test_WhenNoncesDiffer_EqualRequestsAreTwoJobs() external {
        Job memory first = agreed();
        for (uint64 nonce = 120; nonce < 136; ++nonce) {
            Request memory request = plainRequest();
            request.nonce = nonce;
            Job memory job = agree(pairOf(request));
            assertTrue(job.terms.jobId != first.terms.jobId, "two ids");
        }
        Request memory last = plainRequest();
        last.nonce = type(uint64).max;
        agree(pairOf(last));
    }

    function test_ExpiryOfTheRequest_BothEdges() external {
        Request memory request = plainRequest();
        Acceptance memory acceptance = plainAcceptance(request);
        acceptance.expiry = request.expiry + 10;
        Pair memory pair = pairOf(request, acceptance);
        vm.warp(uint256(request.expiry) + 1);
        refuse(pair, abi.encodeWithSelector(IMarketBase.MarketRequestExpired.selector, request.expiry));
        vm.warp(request.expiry);
        agree(pair);
    }

    function test_ExpiryOfTheAcceptance_BothEdges() external {
        Pair memory pair = pairOf(plainRequest());
        vm.warp(uint256(pair.acceptance.expiry) + 1);
        refuse(pair, abi.encodeWithSelector(IMarketBase.MarketAcceptanceExpired.selector, pair.acceptance.expiry));
        vm.warp(pair.acceptance.expiry);
        agree(pair);
    }

    function test_RevertWhen_TheNonceIsCancelled() external {
        Pair memory pair = pairOf(plainRequest());
        vm.prank(requester.addr);
        market.cancelNonce(pair.request.nonce);
        refuse(
            pair,
            abi.encodeWithSelector(IMarketBase.MarketRequestCancelled.selector, market.requestDigest(pair.request))
        );
    }

    function test_RevertWhen_TheRequestIsCancelled() external {
        for (uint128 auditLine = 0; auditLine < 2; ++auditLine) {
            Request memory request = plainRequest();
            request.auditLine = auditLine;
            Pair memory pair = pairOf(request);
            vm.prank(requester.addr);
            market.cancelRequest(request);
            refuse(
                pair,
                abi.encodeWithSelector(IMarketBase.MarketRequestCancelled.selector, market.requestDigest(request))
            );
        }
    }

    function test_WhenSomebodyElseCancelsTheNonce_ItAgrees() external {
        vm.prank(stranger.addr);
        market.cancelNonce(1);
        agreed();
    }

    function test_Pause_BothEdges() external {
        Pair memory pair = pairOf(plainRequest());
        uint40 until = uint40(block.timestamp + 100);
        vm.prank(guardian);
        parameters.pause(until);
        vm.warp(until - 1);
        refuse(pair, abi.encodeWithSelector(IMarketBase.MarketPaused.selector, until));
        vm.warp(until);
        agree(pair);
    }

    function test_RevertWhen_TheMarketDoesNotKnowTheFields() external {
        Request memory request = plainRequest();
        request.numerics = 2;
        refuseField(request, "numerics");
        request = plainRequest();
        request.executor = 1;
        refuseField(request, "executor");
        request = plainRequest();
        request.access = 1;
        refuseField(request, "access");
        request = plainRequest();
        request.replicas = 0;
        refuseField(request, "replicas");
        request.replicas = 17;
        refuseField(request, "replicas");
        request = plainRequest();
        request.steps = 0;
        refuseField(request, "steps");
        request = plainRequest();
        request.interval = 0;
        refuseField(request, "interval");
        request = plainRequest();
        request.startStep = 10;
        refuseField(request, "startStep");
        request = plainRequest();
        request.startRoot = keccak256("state");
        refuseField(request, "startRoot");
        request = plainRequest();
        request.runTime = 0;
        refuseField(request, "runTime");
    }

    /// Stake must not be able to leave before a window is over.
    function test_RevertWhen_TheWindowWouldOutlastTheUnbonding() external {
        Request memory request = plainRequest();
        request.runTime = (UNBONDING * 10) / 15;
        refuseField(request, "runTime");
        request.runTime -= 1;
        agree(pairOf(request));
    }

    function test_RevertWhen_TheParentHasNoRecord() external {
        Request memory request = plainRequest();
        request.parentRoot = keccak256("nobody made this");
        refuse(pairOf(request), abi.encodeWithSelector(IProvenance.ProvenanceNoRecord.selector, request.parentRoot, 0));
    }

    function test_WhenTheRequestStartsFromARecord_ItsStateAndStepMustMatch() external {
        Job memory parent = submitted();
        vm.warp(uint256(parent.progress.windowEnd) + 1);
        market.settle(parent);

        Request memory request = plainRequest();
        request.nonce = 2;
        request.parentRoot = parent.progress.modelRoot;
        agree(pairOf(request));

        request.nonce = 3;
        request.steps = 200;
        request.startRoot = parent.progress.stateRoot;
        request.startStep = 99;
        bytes memory mismatch = abi.encodeWithSelector(
            IMarketBase.MarketParentMismatch.selector,
            parent.progress.stateRoot,
            100
        );
        refuse(pairOf(request), mismatch);
        request.startStep = 100;
        request.startRoot = keccak256("another state");
        refuse(pairOf(request), mismatch);
        request.startRoot = parent.progress.stateRoot;
        Job memory successor = agree(pairOf(request));
        assertEq(lastOf(successor), 10, "checkpoints from the start step on");
    }

    /// A second provider takes over at the checkpoint that the first one was paid for.
    function test_WhenTheRecordIsThatOfAPrefix_ASuccessorContinuesThere() external {
        Job memory first = stop(agreed());
        first = present(first, submissionOf(first, 3));
        vm.warp(uint256(first.progress.windowEnd) + 1);
        market.settle(first);

        Request memory request = plainRequest();
        request.nonce = 2;
        request.parentRoot = first.progress.modelRoot;
        request.startRoot = first.progress.stateRoot;
        request.startStep = 20;
        refuse(
            pairOf(request),
            abi.encodeWithSelector(IMarketBase.MarketParentMismatch.selector, first.progress.stateRoot, 30)
        );
        request.startStep = 30;
        Job memory second = agree(pairOf(request));
        assertEq(lastOf(second), 7, "the rest of the intervals");
        Submission memory submission = submissionOf(second, 7);
        submission.modelRoot = keccak256("the whole");
        second = submit(second, submission);
        vm.warp(uint256(second.progress.windowEnd) + 1);
        market.settle(second);
        (bytes32[] memory roots, ProvenanceRecord[] memory records) = provenance.lineageOf(submission.modelRoot, 0, 10);
        assertEq(roots.length, 2, "lineage");
        assertEq(roots[1], first.progress.modelRoot, "the prefix");
        assertEq(records[0].step, 100, "the whole run");
        assertEq(records[1].step, 30, "and its first part");
    }

    function refuseField(Request memory request, bytes32 field) private {
        refuse(pairOf(request), abi.encodeWithSelector(IMarketBase.MarketUnsupportedRequest.selector, field));
    }
}
