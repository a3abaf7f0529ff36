// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IMarketBase} from "../../../../contracts/interfaces/IMarketBase.sol";
import {Job} from "../../../../contracts/types/Job.sol";
import {JobState} from "../../../../contracts/types/JobState.sol";
import {Request} from "../../../../contracts/types/Request.sol";
import {Submission} from "../../../../contracts/types/Submission.sol";
import {Base} from "../../support/Base.sol";
import {vm} from "../../support/Vm.sol";

contract SubmitTest is Base {
    function test_WhenTheProviderSubmits_TheResultStandsFromNowOn() external {
        Job memory job = agreed();
        vm.warp(block.timestamp + 100);
        Submission memory submission = submissionOf(job, 10);

        job = submit(job, submission);

        assertState(job, JobState.Submitted);
        assertEq(job.progress.traceRoot, traceRootOf(submission), "trace root");
        assertEq(job.progress.traceRoot, market.traceRootOf(submission), "trace root as the market tells it");
        assertEq(job.progress.stateRoot, submission.stateRoot, "state root");
        assertEq(job.progress.modelRoot, submission.modelRoot, "model root");
        assertEq(job.progress.evalRoot, submission.evalRoot, "eval root");
        assertEq(job.progress.checkpoint, 10, "checkpoint");
        assertEq(job.progress.submittedAt, block.timestamp, "submitted");
        assertEq(job.progress.windowEnd, block.timestamp + WINDOW, "window end");
    }

    function test_WhenAnOperatorSubmits() external {
        Job memory job = agreed();
        vm.prank(operator.addr);
        market.submit(job, submissionOf(job, 10));
        assertState(job, JobState.Submitted);
    }

    function test_WhenAnyoneCarriesASignature() external {
        Job memory job = agreed();
        Submission memory submission = submissionOf(job, 10);
        bytes memory signature = sign(operator, market.submissionDigest(submission));
        vm.prank(stranger.addr);
        market.submitSigned(job, submission, signature);
        assertState(job, JobState.Submitted);
    }

    /// Peers' mistake: asking who began the transaction instead of who calls.
    function test_RevertWhen_SomebodyElseSubmits() external {
        Job memory job = agreed();
        Submission memory submission = submissionOf(job, 10);
        vm.expectRevert(abi.encodeWithSelector(IMarketBase.MarketNotProvider.selector, job.terms.jobId, stranger.addr));
        vm.prank(stranger.addr);
        market.submit(job, submission);
    }

    function test_RevertWhen_SomebodyElseSigned() external {
        Job memory job = agreed();
        Submission memory submission = submissionOf(job, 10);
        bytes memory signature = sign(stranger, market.submissionDigest(submission));
        vm.expectRevert(abi.encodeWithSelector(IMarketBase.MarketBadSignature.selector, provider.addr));
        market.submitSigned(job, submission, signature);
    }

    /// Peers' mistake: ids that the caller chooses, here a provider that shows a record of its own making.
    function test_RevertWhen_TheSignatureIsNone() external {
        Job memory job = agreed();
        Submission memory submission = submissionOf(job, 10);
        vm.expectRevert(abi.encodeWithSelector(IMarketBase.MarketBadSignature.selector, provider.addr));
        market.submitSigned(job, submission, new bytes(65));
    }

    function test_RevertWhen_TheRecordIsNotTheOneStored() external {
        Job memory job = agreed();
        bytes memory wrong = abi.encodeWithSelector(IMarketBase.MarketWrongRecord.selector, job.terms.jobId);
        job.terms.price += 1;
        refuse(job, submissionOf(job, 10), wrong);
        job.terms.price -= 1;
        job.terms.deadline += 1;
        refuse(job, submissionOf(job, 10), wrong);
        job.terms.deadline -= 1;
        job.progress.evalRoot = bytes32(uint256(1));
        refuse(job, submissionOf(job, 10), wrong);
    }

    function test_RevertWhen_ThereIsNoSuchJob() external {
        Job memory job = agreed();
        job.terms.jobId = keccak256("none");
        assertTrue(!market.isRecord(job), "no record");
        refuse(
            job,
            submissionOf(job, 10),
            abi.encodeWithSelector(IMarketBase.MarketWrongState.selector, job.terms.jobId, JobState.None)
        );
    }

    function test_RevertWhen_ItIsSubmittedAlready() external {
        Job memory job = submitted();
        refuse(
            job,
            submissionOf(job, 10),
            abi.encodeWithSelector(IMarketBase.MarketWrongState.selector, job.terms.jobId, JobState.Submitted)
        );
    }

    /// Replay of one job's result for another of the same provider.
    function test_RevertWhen_TheSubmissionIsForAnotherJob() external {
        Job memory job = agreed();
        Submission memory submission = submissionOf(job, 10);
        submission.jobId = keccak256("another");
        refuse(
            job,
            submission,
            abi.encodeWithSelector(IMarketBase.MarketWrongJob.selector, job.terms.jobId, submission.jobId)
        );
    }

    function test_RevertWhen_TheCheckpointIsNotTheLast() external {
        Job memory job = agreed();
        refuse(job, submissionOf(job, 9), abi.encodeWithSelector(IMarketBase.MarketBadCheckpoint.selector, 9, 10));
        refuse(job, submissionOf(job, 11), abi.encodeWithSelector(IMarketBase.MarketBadCheckpoint.selector, 11, 10));
    }

    function test_TheLastCheckpointRoundsUp() external {
        Request memory request = plainRequest();
        request.interval = 33;
        Job memory job = agree(pairOf(request));
        assertEq(submit(job, submissionOf(job, 4)).progress.checkpoint, 4, "100 steps in four intervals of 33");
    }

    function test_RevertWhen_ARootIsZero() external {
        Job memory job = agreed();
        Submission memory submission = submissionOf(job, 10);
        submission.stateRoot = 0;
        refuse(job, submission, abi.encodeWithSelector(IMarketBase.MarketBadSubmission.selector, bytes32("stateRoot")));
        submission = submissionOf(job, 10);
        submission.modelRoot = 0;
        refuse(job, submission, abi.encodeWithSelector(IMarketBase.MarketBadSubmission.selector, bytes32("modelRoot")));
        submission = submissionOf(job, 10);
        submission.evalRoot = 0;
        submit(job, submission);
    }

    /// Peers' mistake: the wrong clock for a timeout.
    function test_Deadline_BothEdges() external {
        Job memory job = agreed();
        vm.warp(uint256(job.terms.deadline) + 1);
        refuse(
            job,
            submissionOf(job, 10),
            abi.encodeWithSelector(
                IMarketBase.MarketTooLate.selector,
                uint256(job.terms.deadline) + 1,
                job.terms.deadline
            )
        );
        vm.warp(job.terms.deadline);
        submit(job, submissionOf(job, 10));
    }

    function test_AfterAStop_ItIsInTimeUntilTheGraceIsOver() external {
        Job memory job = agreed();
        vm.warp(block.timestamp + 10);
        job = stop(job);
        uint256 graceEnd = block.timestamp + GRACE;
        vm.warp(graceEnd + 1);
        refuse(
            job,
            submissionOf(job, 10),
            abi.encodeWithSelector(IMarketBase.MarketTooLate.selector, graceEnd + 1, graceEnd)
        );
        vm.warp(graceEnd);
        submit(job, submissionOf(job, 10));
    }

    function test_AfterAStopAtTheDeadline_TheGraceHolds() external {
        Job memory job = agreed();
        vm.warp(job.terms.deadline);
        job = stop(job);
        uint256 graceEnd = uint256(job.terms.deadline) + GRACE;
        vm.warp(graceEnd + 1);
        refuse(
            job,
            submissionOf(job, 10),
            abi.encodeWithSelector(IMarketBase.MarketTooLate.selector, graceEnd + 1, graceEnd)
        );
        vm.warp(graceEnd);
        job = submit(job, submissionOf(job, 10));
        vm.warp(uint256(job.progress.windowEnd) + 1);
        market.settle(job);
        assertEq(free(provider.addr), ONE, "in time is paid in full");
        assertEq(reputation.standingOf(provider.addr).late, 0, "not late");
    }

    function test_RevertWhen_TheJobMustCommit() external {
        Request memory request = plainRequest();
        request.replicas = 2;
        Job memory job = agree(pairOf(request));
        refuse(
            job,
            submissionOf(job, 10),
            abi.encodeWithSelector(IMarketBase.MarketCommitFirst.selector, job.terms.jobId)
        );
        request = plainRequest();
        request.nonce = 2;
        request.auditLine = 1;
        job = agree(pairOf(request));
        refuse(
            job,
            submissionOf(job, 10),
            abi.encodeWithSelector(IMarketBase.MarketCommitFirst.selector, job.terms.jobId)
        );
    }

    function refuse(Job memory job, Submission memory submission, bytes memory why) private {
        vm.expectRevert(why);
        vm.prank(provider.addr);
        market.submit(job, submission);
    }
}
