// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IMarketBase} from "../../../../contracts/interfaces/IMarketBase.sol";
import {Acceptance} from "../../../../contracts/types/Acceptance.sol";
import {Job} from "../../../../contracts/types/Job.sol";
import {JobState} from "../../../../contracts/types/JobState.sol";
import {Params} from "../../../../contracts/types/Params.sol";
import {Request} from "../../../../contracts/types/Request.sol";
import {Submission} from "../../../../contracts/types/Submission.sol";
import {Base} from "../../support/Base.sol";
import {vm} from "../../support/Vm.sol";

contract StopTest is Base {
    function test_WhenTheRequesterStops_TheJobStaysActive() external {
        Job memory job = agreed();
        vm.warp(job.terms.deadline);
        job = stop(job);
        assertState(job, JobState.Active);
        assertEq(job.progress.stoppedAt, block.timestamp, "stopped at");
        assertEq(reputation.standingOf(requester.addr).stopped, ONE / 100, "fact");
    }

    function test_RevertWhen_SomebodyElseStops() external {
        Job memory job = agreed();
        vm.expectRevert(abi.encodeWithSelector(IMarketBase.MarketNotRequester.selector, requester.addr, provider.addr));
        vm.prank(provider.addr);
        market.stop(job);
    }

    function test_RevertWhen_TheDeadlineHasPassed() external {
        Job memory job = agreed();
        vm.warp(uint256(job.terms.deadline) + 1);
        vm.expectRevert(
            abi.encodeWithSelector(
                IMarketBase.MarketTooLate.selector,
                uint256(job.terms.deadline) + 1,
                job.terms.deadline
            )
        );
        vm.prank(requester.addr);
        market.stop(job);
    }

    /// A second stop would give the grace time anew.
    function test_RevertWhen_ItWasStoppedBefore() external {
        Job memory job = stop(agreed());
        vm.warp(block.timestamp + 10);
        vm.expectRevert(
            abi.encodeWithSelector(IMarketBase.MarketTooLate.selector, block.timestamp, job.progress.stoppedAt)
        );
        vm.prank(requester.addr);
        market.stop(job);
    }

    function test_RevertWhen_TheJobIsNotActive() external {
        Job memory job = submitted();
        vm.expectRevert(
            abi.encodeWithSelector(IMarketBase.MarketWrongState.selector, job.terms.jobId, JobState.Submitted)
        );
        vm.prank(requester.addr);
        market.stop(job);
    }
}

contract ReceiptTest is Base {
    function test_Start_BothEdges() external {
        Job memory job = agreed();
        vm.warp(job.terms.deadline);
        refuse(
            job,
            submissionOf(job, 3),
            abi.encodeWithSelector(
                IMarketBase.MarketTooEarly.selector,
                job.terms.deadline,
                uint256(job.terms.deadline) + 1
            )
        );
        vm.warp(uint256(job.terms.deadline) + 1);
        job = present(job, submissionOf(job, 3));
        assertState(job, JobState.Submitted);
        assertEq(job.progress.checkpoint, 3, "checkpoint");
        assertEq(job.progress.submittedAt, job.terms.deadline + GRACE + 1, "stands once the grace time is over");
        assertEq(job.progress.windowEnd, job.terms.deadline + GRACE + 1 + WINDOW, "window end");
    }

    function test_Grace_BothEdges() external {
        Job memory job = agreed();
        uint256 graceEnd = uint256(job.terms.deadline) + GRACE;
        vm.warp(graceEnd + 1);
        refuse(
            job,
            submissionOf(job, 3),
            abi.encodeWithSelector(IMarketBase.MarketTooLate.selector, graceEnd + 1, graceEnd)
        );
        vm.warp(graceEnd);
        present(job, submissionOf(job, 3));
    }

    function test_AfterAStop_TheGraceCountsFromIt() external {
        Job memory job = stop(agreed());
        uint256 graceEnd = block.timestamp + GRACE;
        vm.warp(graceEnd + 1);
        refuse(
            job,
            submissionOf(job, 3),
            abi.encodeWithSelector(IMarketBase.MarketTooLate.selector, graceEnd + 1, graceEnd)
        );
        vm.warp(graceEnd);
        job = present(job, submissionOf(job, 3));
        assertEq(job.progress.submittedAt, graceEnd + 1, "stands from");
    }

    /// Whoever presents an early receipt of a provider, to pay it less, does not have the last word.
    function test_ALaterReceiptReplacesAnEarlierOne() external {
        Job memory job = stop(agreed());
        job = present(job, submissionOf(job, 1));
        uint40 windowEnd = job.progress.windowEnd;
        job = present(job, submissionOf(job, 7));
        job = present(job, submissionOf(job, 10));
        assertEq(job.progress.checkpoint, 10, "checkpoint");
        assertEq(job.progress.windowEnd, windowEnd, "the window does not move");
        refuse(job, submissionOf(job, 10), abi.encodeWithSelector(IMarketBase.MarketBadCheckpoint.selector, 10, 10));
        refuse(job, submissionOf(job, 9), abi.encodeWithSelector(IMarketBase.MarketBadCheckpoint.selector, 9, 10));
    }

    function test_RevertWhen_TheCheckpointDoesNotExist() external {
        Job memory job = stop(agreed());
        refuse(job, submissionOf(job, 0), abi.encodeWithSelector(IMarketBase.MarketBadCheckpoint.selector, 0, 0));
        refuse(job, submissionOf(job, 11), abi.encodeWithSelector(IMarketBase.MarketBadCheckpoint.selector, 11, 10));
    }

    function test_RevertWhen_APrefixShowsAnEvaluation() external {
        Job memory job = stop(agreed());
        Submission memory receipt = submissionOf(job, 9);
        receipt.evalRoot = keccak256("eval");
        refuse(job, receipt, abi.encodeWithSelector(IMarketBase.MarketBadSubmission.selector, bytes32("evalRoot")));
    }

    /// Garbage receipts: only the provider's own words bind it.
    function test_RevertWhen_SomebodyElseSigned() external {
        Job memory job = stop(agreed());
        Submission memory receipt = submissionOf(job, 3);
        bytes memory signature = sign(requester, market.submissionDigest(receipt));
        vm.expectRevert(abi.encodeWithSelector(IMarketBase.MarketBadSignature.selector, provider.addr));
        market.submitReceipt(job, receipt, signature);
    }

    function test_RevertWhen_AFullResultStandsInTime() external {
        Job memory job = submitted();
        vm.warp(uint256(job.terms.deadline) + 1);
        refuse(job, submissionOf(job, 10), abi.encodeWithSelector(IMarketBase.MarketBadCheckpoint.selector, 10, 10));
    }

    function test_RevertWhen_TheJobIsOver() external {
        Job memory job = stop(agreed());
        vm.warp(block.timestamp + GRACE + 1);
        market.expire(job);
        refuse(
            job,
            submissionOf(job, 3),
            abi.encodeWithSelector(IMarketBase.MarketWrongState.selector, job.terms.jobId, JobState.Expired)
        );
    }

    function test_RevertWhen_TheJobMustCommit() external {
        Request memory request = plainRequest();
        request.replicas = 2;
        Job memory job = stop(agree(pairOf(request)));
        refuse(
            job,
            submissionOf(job, 3),
            abi.encodeWithSelector(IMarketBase.MarketCommitFirst.selector, job.terms.jobId)
        );
    }

    function refuse(Job memory job, Submission memory receipt, bytes memory why) private {
        bytes memory signature = sign(provider, market.submissionDigest(receipt));
        vm.expectRevert(why);
        market.submitReceipt(job, receipt, signature);
    }
}

contract ShowReceiptTest is Base {
    function test_ItRulesOutEarlierReceipts_AndNoLaterOnes() external {
        Job memory job = agreed();
        vm.expectEmit(address(market));
        emit IMarketBase.ReceiptShown(job.terms.jobId, provider.addr, 5);
        show(provider, submissionOf(job, 5));
        job = stop(job);
        refuse(job, submissionOf(job, 4), abi.encodeWithSelector(IMarketBase.MarketBadCheckpoint.selector, 4, 5));
        job = present(job, submissionOf(job, 5));
        job = present(job, submissionOf(job, 6));
        assertEq(job.progress.checkpoint, 6, "checkpoint");
    }

    function test_RevertWhen_ALaterOneWasShown() external {
        Job memory job = agreed();
        show(operator, submissionOf(job, 5));
        for (uint32 k = 0; k < 2; ++k) {
            Submission memory receipt = submissionOf(job, 5 - k);
            bytes memory signature = sign(provider, market.submissionDigest(receipt));
            vm.expectRevert(abi.encodeWithSelector(IMarketBase.MarketBadCheckpoint.selector, 5 - k, 5));
            market.showReceipt(provider.addr, receipt, signature);
        }
    }

    function test_RevertWhen_SomebodyElseSigned() external {
        Submission memory receipt = submissionOf(agreed(), 5);
        bytes memory signature = sign(requester, market.submissionDigest(receipt));
        vm.expectRevert(abi.encodeWithSelector(IMarketBase.MarketBadSignature.selector, provider.addr));
        market.showReceipt(provider.addr, receipt, signature);
    }

    /// What somebody signs for itself says nothing about another provider's job.
    function test_OfAnotherProvider_ItRulesOutNothing() external {
        Job memory job = agreed();
        Submission memory receipt = submissionOf(job, 10);
        market.showReceipt(stranger.addr, receipt, sign(stranger, market.submissionDigest(receipt)));
        job = present(stop(job), submissionOf(job, 1));
        assertEq(job.progress.checkpoint, 1, "checkpoint");
    }

    function show(Person memory signer, Submission memory receipt) private {
        market.showReceipt(provider.addr, receipt, sign(signer, market.submissionDigest(receipt)));
    }

    function refuse(Job memory job, Submission memory receipt, bytes memory why) private {
        bytes memory signature = sign(provider, market.submissionDigest(receipt));
        vm.expectRevert(why);
        market.submitReceipt(job, receipt, signature);
    }
}

contract ExpireTest is Base {
    /// Peers' mistakes: stake stuck after a stuck task; a timeout that reverts.
    function test_WhenNothingWasPresented_ItRefundsAndBurnsThePenalty() external {
        uint256 had = free(requester.addr);
        Job memory job = agreed();
        vm.warp(uint256(job.terms.deadline) + GRACE + 1);
        vm.prank(stranger.addr);
        market.expire(job);
        assertState(job, JobState.Expired);
        assertEq(free(requester.addr), had, "all of the escrow");
        assertEq(staked(provider.addr), 1_000 * ONE - ONE / 10, "a tenth of the collateral");
        assertEq(locked(provider.addr), 0, "nothing stays locked");
        assertEq(ledger.burned(), ONE / 10, "burned");
        assertEq(reputation.standingOf(provider.addr).expired, ONE / 100, "fact");
    }

    function test_ThePlaceIsGivenBack() external {
        Job memory job = agreed();
        vm.warp(uint256(job.terms.deadline) + GRACE + 1);
        market.expire(job);
        Request memory request = plainRequest();
        request.expiry = uint40(START + 1 hours);
        assertEq(market.placesTaken(request), 0, "places");
        Acceptance memory acceptance = plainAcceptance(request);
        acceptance.nonce = 2;
        Job memory second = agree(pairOf(request, acceptance));
        assertTrue(second.terms.jobId != job.terms.jobId, "another job");
        assertState(job, JobState.Expired);
    }

    function test_WhenStopped_NobodyIsToBlame() external {
        uint256 had = free(requester.addr);
        Job memory job = stop(agreed());
        vm.warp(block.timestamp + GRACE + 1);
        market.expire(job);
        assertEq(free(requester.addr), had, "escrow");
        assertEq(staked(provider.addr), 1_000 * ONE, "stake");
        assertEq(reputation.standingOf(provider.addr).expired, 0, "fact");
        assertEq(ledger.burned(), 0, "burned");
    }

    function test_ThePenaltyIsAShareOfTheCollateral_HoweverSmall() external {
        vm.startPrank(governor);
        (, Params memory params) = parameters.current();
        params.collateralBps = 100;
        parameters.add(params);
        vm.stopPrank();
        Request memory request = plainRequest();
        Acceptance memory acceptance = plainAcceptance(request);
        acceptance.paramsVersion = 2;
        acceptance.collateral = uint128(ONE / 100);
        Job memory job = agree(pairOf(request, acceptance));
        vm.warp(uint256(job.terms.deadline) + GRACE + 1);
        market.expire(job);
        assertEq(ledger.burned(), ONE / 1_000, "burned");
        assertEq(locked(provider.addr), 0, "locked");
    }

    function test_Grace_BothEdges() external {
        Job memory job = agreed();
        uint256 graceEnd = uint256(job.terms.deadline) + GRACE;
        vm.warp(graceEnd);
        vm.expectRevert(abi.encodeWithSelector(IMarketBase.MarketTooEarly.selector, graceEnd, graceEnd + 1));
        market.expire(job);
        vm.warp(graceEnd + 1);
        market.expire(job);
    }

    function test_RevertWhen_AResultStands() external {
        Job memory job = submitted();
        vm.warp(uint256(job.terms.deadline) + GRACE + 1);
        vm.expectRevert(
            abi.encodeWithSelector(IMarketBase.MarketWrongState.selector, job.terms.jobId, JobState.Submitted)
        );
        market.expire(job);
    }

    function test_RevertWhen_ItExpiredBefore() external {
        Job memory job = agreed();
        vm.warp(uint256(job.terms.deadline) + GRACE + 1);
        market.expire(job);
        vm.expectRevert(
            abi.encodeWithSelector(IMarketBase.MarketWrongState.selector, job.terms.jobId, JobState.Expired)
        );
        market.expire(job);
    }
}
