// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IMarketBase} from "../../../../contracts/interfaces/IMarketBase.sol";
import {IStaking} from "../../../../contracts/interfaces/IStaking.sol";
import {HostileWallet} from "../../../../contracts/mocks/HostileWallet.sol";
import {Job} from "../../../../contracts/types/Job.sol";
import {JobState} from "../../../../contracts/types/JobState.sol";
import {Pair} from "../../../../contracts/types/Pair.sol";
import {Request} from "../../../../contracts/types/Request.sol";
import {SignOff} from "../../../../contracts/types/SignOff.sol";
import {Submission} from "../../../../contracts/types/Submission.sol";
import {Base} from "../../support/Base.sol";
import {vm} from "../../support/Vm.sol";

/// @dev Peers' mistakes with what is sent twice or together: each test is named after one.
contract PeersRepetition is Base {
    /// Non-idempotent retries: whatever is done again is refused, or does nothing, and nothing is paid twice.
    function test_NonIdempotentRetries() external {
        Pair memory pair = pairOf(plainRequest());
        Job memory job = agree(pair);
        vm.expectRevert(abi.encodeWithSelector(IMarketBase.MarketJobExists.selector, job.terms.jobId));
        market.agreePair(pair);
        job = stop(job);
        job = present(job, submissionOf(job, 10));
        bytes memory signature = sign(provider, market.submissionDigest(submissionOf(job, 10)));
        vm.expectRevert(abi.encodeWithSelector(IMarketBase.MarketBadCheckpoint.selector, 10, 10));
        market.submitReceipt(job, submissionOf(job, 10), signature);
        vm.warp(uint256(job.progress.windowEnd) + 1);
        market.settle(job);
        bytes memory over = abi.encodeWithSelector(
            IMarketBase.MarketWrongState.selector,
            job.terms.jobId,
            JobState.Settled
        );
        vm.expectRevert(over);
        market.settle(job);
        SignOff memory signOff = SignOff(job.terms.jobId, job.progress.traceRoot);
        signature = sign(requester, market.signOffDigest(signOff));
        vm.expectRevert(over);
        market.settleSignedOff(job, signOff, signature);
        vm.expectRevert(over);
        market.expire(job);
        assertEq(free(provider.addr), ONE, "paid once");
        assertEq(provenance.recordCount(job.progress.modelRoot), 1, "recorded once");

        vm.startPrank(requester.addr);
        market.cancelNonce(9);
        market.cancelNonce(9);
        vm.stopPrank();
        Request memory cancelled = plainRequest();
        cancelled.nonce = 9;
        assertTrue(market.isCancelled(cancelled), "twice is once");
    }

    /// A transaction reported failed that had mined: the same call, sent again word for word, moves nothing, and the state
    /// tells whoever asks that it was done.
    function test_ATransactionReportedFailedThatHadMined() external {
        Pair memory pair = pairOf(plainRequest());
        Job memory job = agree(pair);
        vm.expectRevert(abi.encodeWithSelector(IMarketBase.MarketJobExists.selector, job.terms.jobId));
        market.agreePair(pair);
        assertState(job, JobState.Active);

        Job memory before = copyOf(job);
        Submission memory submission = submissionOf(job, 10);
        job = submit(job, submission);
        vm.expectRevert(abi.encodeWithSelector(IMarketBase.MarketWrongRecord.selector, job.terms.jobId));
        vm.prank(provider.addr);
        market.submit(before, submission);
        assertState(job, JobState.Submitted);

        vm.warp(uint256(job.progress.windowEnd) + 1);
        Job[] memory jobs = new Job[](1);
        jobs[0] = job;
        for (uint256 i = 0; i < 3; ++i) market.settleBatch(jobs);
        assertState(job, JobState.Settled);
        assertEq(free(provider.addr), ONE, "paid once");

        vm.startPrank(provider.addr);
        staking.requestUnstake(ONE);
        vm.warp(block.timestamp + UNBONDING);
        staking.withdrawStake();
        vm.expectRevert(abi.encodeWithSelector(IStaking.StakingNothingToWithdraw.selector, provider.addr));
        staking.withdrawStake();
        assertEq(free(provider.addr), 2 * ONE, "withdrawn once");
    }

    /// One bad pair reverting a batch: each member stands or falls alone, and a pair that comes twice is agreed once.
    function test_OneBadPairRevertingABatch() external {
        Pair[] memory pairs = new Pair[](6);
        for (uint64 i = 0; i < 6; ++i) {
            Request memory request = plainRequest();
            request.nonce = i;
            if (i == 1) request.requester = address(new HostileWallet(HostileWallet.Mood.BurnGas));
            if (i == 2) request.steps = 0;
            if (i == 3) request.maximum = 1;
            pairs[i] = pairOf(request);
        }
        pairs[4] = pairs[0];
        bytes32[] memory jobIds = market.agreeBatch(pairs);
        for (uint256 i = 0; i < 6; ++i) assertTrue((jobIds[i] != 0) == (i == 0 || i == 5), "who is in");
        assertEq(locked(provider.addr), 2 * ONE, "collateral of two");
    }

    function test_OneBadSubmissionOrSettlementRevertingABatch() external {
        Job[] memory jobs = new Job[](3);
        Submission[] memory submissions = new Submission[](3);
        bytes[] memory signatures = new bytes[](3);
        for (uint64 i = 0; i < 3; ++i) {
            Request memory request = plainRequest();
            request.nonce = i;
            jobs[i] = agree(pairOf(request));
            submissions[i] = submissionOf(jobs[i], i == 1 ? 9 : 10);
            signatures[i] = sign(operator, market.submissionDigest(submissions[i]));
        }
        market.submitBatch(jobs, submissions, signatures);
        assertState(jobs[0], JobState.Submitted);
        assertState(jobs[1], JobState.Active);
        assertState(jobs[2], JobState.Submitted);
    }
}
