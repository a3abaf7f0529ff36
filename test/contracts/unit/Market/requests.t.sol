// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {ILedger} from "../../../../contracts/interfaces/ILedger.sol";
import {IMarketBase} from "../../../../contracts/interfaces/IMarketBase.sol";
import {HostileWallet} from "../../../../contracts/mocks/HostileWallet.sol";
import {Job} from "../../../../contracts/types/Job.sol";
import {JobState} from "../../../../contracts/types/JobState.sol";
import {Pair} from "../../../../contracts/types/Pair.sol";
import {Request} from "../../../../contracts/types/Request.sol";
import {Submission} from "../../../../contracts/types/Submission.sol";
import {Base} from "../../support/Base.sol";
import {Vm, vm} from "../../support/Vm.sol";

contract RequestsTest is Base {
    function test_Announce_PutsTheRequestOnChain() external {
        Request memory request = plainRequest();
        bytes memory signature = sign(requester, market.requestDigest(request));
        vm.expectEmit(address(market));
        emit IMarketBase.Announced(market.requestDigest(request), requester.addr, request, signature);
        market.announce(request, signature);
    }

    function test_Announce_Reverts() external {
        Request memory request = plainRequest();
        bytes memory signature = sign(stranger, market.requestDigest(request));
        vm.expectRevert(abi.encodeWithSelector(IMarketBase.MarketBadSignature.selector, requester.addr));
        market.announce(request, signature);

        signature = sign(requester, market.requestDigest(request));
        vm.warp(uint256(request.expiry) + 1);
        vm.expectRevert(abi.encodeWithSelector(IMarketBase.MarketRequestExpired.selector, request.expiry));
        market.announce(request, signature);
        vm.warp(request.expiry);
        market.announce(request, signature);

        vm.prank(requester.addr);
        market.cancelNonce(request.nonce);
        bytes32 digest = market.requestDigest(request);
        vm.expectRevert(abi.encodeWithSelector(IMarketBase.MarketRequestCancelled.selector, digest));
        market.announce(request, signature);
    }

    function test_CancelNonce_VoidsIt_AndNoOther() external {
        Request memory request = plainRequest();
        request.nonce = 127;
        vm.startPrank(requester.addr);
        market.cancelNonce(127);
        market.cancelNonce(127);
        vm.stopPrank();
        assertTrue(market.isCancelled(request), "cancelled, twice as well as once");
        request.nonce = 126;
        assertTrue(!market.isCancelled(request), "the one before");
        request.nonce = 128;
        assertTrue(!market.isCancelled(request), "the one after");
        request.nonce = 127;
        request.requester = stranger.addr;
        assertTrue(!market.isCancelled(request), "somebody else's");
    }

    /// Jobs that were agreed go on, and their end does not touch the cancellation.
    function test_CancelNonce_OfARunningJob() external {
        Job memory job = agreed();
        vm.prank(requester.addr);
        market.cancelNonce(1);
        assertEq(market.placesTaken(plainRequest()), 1, "place");
        game.voidJob(market, job);
        assertEq(market.placesTaken(plainRequest()), 0, "place given back");
        assertTrue(market.isCancelled(plainRequest()), "still cancelled");
    }

    function test_CancelRequest_OfOneThatMustCommit_VoidsNothingElse() external {
        Request memory request = plainRequest();
        request.replicas = 2;
        vm.prank(requester.addr);
        market.cancelRequest(request);
        assertTrue(market.isCancelled(request), "cancelled");
        request.seed = 43;
        assertTrue(!market.isCancelled(request), "another with its nonce");
    }

    function test_CancelRequest_BySomebodyElse_Reverts() external {
        Request memory request = plainRequest();
        vm.expectRevert(abi.encodeWithSelector(IMarketBase.MarketNotRequester.selector, requester.addr, stranger.addr));
        vm.prank(stranger.addr);
        market.cancelRequest(request);
    }

    /// Peers' mistakes: one bad pair that reverts a batch; hostile ERC-1271 wallets.
    function test_AgreeBatch_AgreesWhatItCan() external {
        Pair[] memory pairs = new Pair[](8);
        for (uint64 i = 0; i < 8; ++i) {
            Request memory request = plainRequest();
            request.nonce = i;
            if (i > 2 && i < 7) request.requester = address(new HostileWallet(HostileWallet.Mood(i - 3)));
            pairs[i] = pairOf(request);
        }
        pairs[1].requestSignature = new bytes(20_000);
        pairs[2] = pairs[0];

        vm.recordLogs();
        bytes32[] memory jobIds = market.agreeBatch(pairs);
        Vm.Log[] memory logs = vm.getRecordedLogs();

        for (uint256 i = 0; i < 8; ++i) {
            bool good = i == 0 || i == 7;
            assertEq(jobIds[i], good ? market.acceptanceDigest(pairs[i].acceptance) : bytes32(0), "job id");
        }
        uint256 skipped = 0;
        for (uint256 i = 0; i < logs.length; ++i) {
            if (logs[i].topics[0] != IMarketBase.PairSkipped.selector) continue;
            ++skipped;
            assertEq(uint256(logs[i].topics[1]), skipped, "place in the batch");
            bytes4 reason = bytes4(abi.decode(logs[i].data, (bytes)));
            bytes4 expected = IMarketBase.MarketBadSignature.selector;
            if (skipped == 2) expected = IMarketBase.MarketJobExists.selector;
            // The wallet whose answer is right but long is let down by its purse, not by its answer.
            if (skipped == 4) expected = ILedger.LedgerInsufficientBalance.selector;
            assertEq(reason, expected, "reason");
        }
        assertEq(skipped, 6, "skipped");
    }

    function test_AgreeBatch_PaysTheMatcherThatCarriesIt() external {
        Request memory request = plainRequest();
        request.matcher = matcher.addr;
        request.matcherFee = 7;
        request.exclusiveUntil = request.expiry;
        Pair[] memory pairs = new Pair[](1);
        pairs[0] = pairOf(request);
        assertEq(market.agreeBatch(pairs)[0], 0, "a stranger cannot");
        vm.recordLogs();
        vm.prank(matcher.addr);
        market.agreeBatch(pairs);
        Job memory job;
        job = lastJob(job);
        assertEq(job.terms.matcher, matcher.addr, "matcher");
        assertEq(job.terms.matcherFee, 7, "fee");
    }

    function test_AgreePair_IsAgree() external {
        Pair memory pair = pairOf(plainRequest());
        assertEq(market.agreePair(pair), market.acceptanceDigest(pair.acceptance), "job id");
    }

    function test_SubmitBatch_AndSettleBatch_DoWhatTheyCan() external {
        Job[] memory jobs = new Job[](3);
        Submission[] memory submissions = new Submission[](3);
        bytes[] memory signatures = new bytes[](3);
        for (uint64 i = 0; i < 3; ++i) {
            Request memory request = plainRequest();
            request.nonce = i;
            jobs[i] = agree(pairOf(request));
            submissions[i] = submissionOf(jobs[i], 10);
            signatures[i] = sign(i == 1 ? stranger : operator, market.submissionDigest(submissions[i]));
        }
        vm.recordLogs();
        market.submitBatch(jobs, submissions, signatures);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        assertEq(logs.length, 3, "events");
        assertEq(logs[1].topics[0], IMarketBase.SubmissionSkipped.selector, "skipped");
        assertEq(logs[1].topics[2], jobs[1].terms.jobId, "which");
        follow(jobs[0], logs[0]);
        follow(jobs[2], logs[2]);
        assertState(jobs[1], JobState.Active);

        vm.warp(uint256(jobs[0].progress.windowEnd) + 1);
        vm.recordLogs();
        market.settleBatch(jobs);
        assertState(jobs[0], JobState.Settled);
        assertState(jobs[1], JobState.Active);
        assertState(jobs[2], JobState.Settled);
        market.settleBatch(jobs);
        assertEq(free(provider.addr), 2 * ONE, "nothing is paid twice");
    }

    function test_SubmitBatch_OfTwoLengths_Reverts() external {
        Job[] memory jobs = new Job[](1);
        Submission[] memory submissions = new Submission[](1);
        vm.expectRevert(abi.encodeWithSelector(IMarketBase.MarketLengthMismatch.selector, 1, 0));
        market.submitBatch(jobs, submissions, new bytes[](0));
        vm.expectRevert(abi.encodeWithSelector(IMarketBase.MarketLengthMismatch.selector, 1, 0));
        market.submitBatch(jobs, new Submission[](0), new bytes[](1));
    }

    function test_AnUnknownFunction_Reverts() external {
        (bool ok, ) = address(market).call(abi.encodeWithSignature("upgradeTo(address)", stranger.addr));
        assertTrue(!ok, "no such function");
        (ok, ) = address(market).call("");
        assertTrue(!ok, "no empty call");
    }

    /// The side paths have no state of their own: called at their own address they know nothing and move nothing.
    function test_TheSidePathsAlone_AreEmpty() external {
        Job memory job = agreed();
        vm.warp(block.timestamp + 1 days);
        (bool ok, ) = market.sidePaths().call(abi.encodeCall(market.expire, (job)));
        assertTrue(!ok, "no such job there");
    }

    function test_TheMarketNamesItsModules() external view {
        assertEq(market.staking(), address(staking), "staking");
        assertEq(market.reputation(), address(reputation), "reputation");
        assertEq(market.provenance(), address(provenance), "provenance");
        assertEq(market.parameters(), address(parameters), "parameters");
    }

    function test_DigestsOfTheSidePaths_AreTheMarkets() external view {
        Submission memory submission;
        assertEq(
            market.commitmentOf(submission, "salt"),
            keccak256(abi.encode(market.submissionDigest(submission), bytes32("salt"))),
            "commitment"
        );
    }
}
