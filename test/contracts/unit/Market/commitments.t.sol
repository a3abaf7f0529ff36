// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IMarketBase} from "../../../../contracts/interfaces/IMarketBase.sol";
import {Job} from "../../../../contracts/types/Job.sol";
import {JobState} from "../../../../contracts/types/JobState.sol";
import {Request} from "../../../../contracts/types/Request.sol";
import {Submission} from "../../../../contracts/types/Submission.sol";
import {Twins} from "../../support/Twins.sol";
import {vm} from "../../support/Vm.sol";

contract CommitmentsTest is Twins {
    function test_Commit_KeepsTheCommitment() external {
        Job memory job = agree(pairOf(twin(1)));
        Submission memory submission = submissionOf(job, 10);
        job = commit(job, submission, SALT);
        assertState(job, JobState.Committed);
        assertEq(job.progress.commitment, market.commitmentOf(submission, SALT), "commitment");
        assertEq(job.progress.committedAt, block.timestamp, "when");
    }

    function test_Commit_ByAnOperator() external {
        Job memory job = agree(pairOf(twin(1)));
        vm.prank(operator.addr);
        market.commit(job, SALT);
        assertState(job, JobState.Committed);
    }

    function test_Commit_Reverts() external {
        Job memory plain = agreed();
        vm.expectRevert(abi.encodeWithSelector(IMarketBase.MarketNoCommitNeeded.selector, plain.terms.jobId));
        vm.prank(provider.addr);
        market.commit(plain, SALT);

        Job memory job = agree(pairOf(twin(2)));
        vm.expectRevert(abi.encodeWithSelector(IMarketBase.MarketNotProvider.selector, job.terms.jobId, stranger.addr));
        vm.prank(stranger.addr);
        market.commit(job, SALT);

        vm.expectRevert(abi.encodeWithSelector(IMarketBase.MarketBadSubmission.selector, bytes32("commitment")));
        vm.prank(provider.addr);
        market.commit(job, 0);

        job = commit(job, submissionOf(job, 10), SALT);
        vm.expectRevert(
            abi.encodeWithSelector(IMarketBase.MarketWrongState.selector, job.terms.jobId, JobState.Committed)
        );
        vm.prank(provider.addr);
        market.commit(job, SALT);
    }

    function test_Commit_Deadline_BothEdges() external {
        Job memory job = agree(pairOf(twin(1)));
        vm.warp(uint256(job.terms.deadline) + 1);
        vm.expectRevert(
            abi.encodeWithSelector(
                IMarketBase.MarketTooLate.selector,
                uint256(job.terms.deadline) + 1,
                job.terms.deadline
            )
        );
        vm.prank(provider.addr);
        market.commit(job, SALT);
        vm.warp(job.terms.deadline);
        commit(job, submissionOf(job, 10), SALT);
    }

    function test_Reveal_OnceAllHaveCommitted_BothEdgesOfItsTime() external {
        (Job memory first, Job memory second) = committedTwins();
        uint256 until = block.timestamp + REVEAL;
        first = reveal(first, submissionOf(first, 10), SALT);
        assertState(first, JobState.Submitted);
        assertEq(first.progress.windowEnd, block.timestamp + WINDOW, "window from the reveal on");
        vm.warp(until + 1);
        refuse(
            second,
            submissionOf(second, 10),
            SALT,
            abi.encodeWithSelector(IMarketBase.MarketTooLate.selector, until + 1, until)
        );
        vm.warp(until);
        reveal(second, submissionOf(second, 10), SALT);
    }

    function test_Reveal_OfOneAlone_AfterTheLastDeadline_BothEdges() external {
        Job memory first = agree(pairOf(twin(1)));
        vm.warp(block.timestamp + 100);
        Job memory second = agree(pairOf(twin(1), acceptanceOf(twin(1), 2)));
        first = commit(first, submissionOf(first, 10), SALT);
        vm.warp(second.terms.deadline);
        refuse(
            first,
            submissionOf(first, 10),
            SALT,
            abi.encodeWithSelector(
                IMarketBase.MarketTooEarly.selector,
                second.terms.deadline,
                uint256(second.terms.deadline) + 1
            )
        );
        vm.warp(uint256(second.terms.deadline) + 1);
        reveal(first, submissionOf(first, 10), SALT);
    }

    function test_Reveal_WaitsForAuditors() external {
        Request memory request = plainRequest();
        request.auditLine = 1;
        Job memory job = agree(pairOf(request));
        job = commit(job, submissionOf(job, 10), SALT);
        setStatus(job, 0, false, type(uint40).max, 0);
        refuse(
            job,
            submissionOf(job, 10),
            SALT,
            abi.encodeWithSelector(IMarketBase.MarketTooEarly.selector, block.timestamp, uint256(type(uint40).max) + 1)
        );
        uint40 auditUntil = uint40(block.timestamp + 1_000);
        setStatus(job, 0, false, auditUntil, 0);
        vm.warp(auditUntil);
        refuse(
            job,
            submissionOf(job, 10),
            SALT,
            abi.encodeWithSelector(IMarketBase.MarketTooEarly.selector, auditUntil, uint256(auditUntil) + 1)
        );
        vm.expectRevert(
            abi.encodeWithSelector(IMarketBase.MarketTooEarly.selector, auditUntil, uint256(auditUntil) + REVEAL + 2)
        );
        market.expire(job);
        vm.warp(uint256(auditUntil) + 1 + REVEAL);
        reveal(job, submissionOf(job, 10), SALT);
    }

    /// Finding F7: auditors of one replica cannot copy what another has shown, as none is shown before all had their auditors.
    function test_Reveal_WaitsForAuditorsOfTheOtherReplicas_BothEdges() external {
        (Job memory first, Job memory second) = auditedTwins();
        game.noteDraw(market, first, uint40(block.timestamp));
        vm.warp(block.timestamp + 10 * WINDOW);
        bytes memory never = abi.encodeWithSelector(
            IMarketBase.MarketTooEarly.selector,
            block.timestamp,
            uint256(type(uint40).max) + 1
        );
        refuse(first, submissionOf(first, 10), SALT, never);
        uint40 until = uint40(block.timestamp + 1_000);
        game.noteDraw(market, second, until);
        vm.warp(until);
        bytes memory early = abi.encodeWithSelector(IMarketBase.MarketTooEarly.selector, until, uint256(until) + 1);
        refuse(first, submissionOf(first, 10), SALT, early);
        refuse(second, submissionOf(second, 10), SALT, early);
        vm.warp(uint256(until) + 1);
        reveal(first, submissionOf(first, 10), SALT);
        vm.warp(uint256(until) + 1 + REVEAL);
        reveal(second, submissionOf(second, 10), SALT);
    }

    /// A replica that ends before its draw leaves the others theirs, and one that ends after it does not stand for another.
    function test_Reveal_AReplicaThatEnded_HoldsUpNobodyAndLetsNobodyIn() external {
        (Job memory first, Job memory second) = auditedTwins();
        setStatus(second, 0, false, type(uint40).max, 0);
        game.noteDraw(market, first, uint40(block.timestamp));
        game.voidJob(market, second);
        vm.warp(block.timestamp + 1);
        first = reveal(first, submissionOf(first, 10), SALT);
        assertState(first, JobState.Submitted);
    }

    function test_Reveal_AReplicaThatEndedAfterItsDraw_LetsNobodyIn() external {
        (Job memory first, Job memory second) = auditedTwins();
        game.noteDraw(market, second, uint40(block.timestamp));
        game.voidJob(market, second);
        vm.warp(block.timestamp + 1);
        refuse(
            first,
            submissionOf(first, 10),
            SALT,
            abi.encodeWithSelector(IMarketBase.MarketTooEarly.selector, block.timestamp, uint256(type(uint40).max) + 1)
        );
        game.noteDraw(market, first, 0);
        reveal(first, submissionOf(first, 10), SALT);
    }

    function test_NoteDraw_Reverts() external {
        (Job memory first, ) = auditedTwins();
        vm.expectRevert(abi.encodeWithSelector(IMarketBase.MarketNotDisputes.selector, stranger.addr));
        vm.prank(stranger.addr);
        market.noteDraw(first, 1);
        Job memory other = agree(pairOf(twin(5)));
        vm.expectRevert(
            abi.encodeWithSelector(IMarketBase.MarketWrongState.selector, other.terms.jobId, JobState.Active)
        );
        game.noteDraw(market, other, 1);
    }

    /// A commitment was in time, however late the others let it be shown.
    function test_Reveal_AfterTheDeadline_IsPaidInFull() external {
        Job memory job = agree(pairOf(twin(1)));
        job = commit(job, submissionOf(job, 10), SALT);
        vm.warp(uint256(job.terms.deadline) + 1);
        job = reveal(job, submissionOf(job, 10), SALT);
        vm.warp(uint256(job.progress.windowEnd) + 1);
        market.settle(job);
        assertEq(free(provider.addr), ONE, "the price");
        assertEq(reputation.standingOf(provider.addr).late, 0, "late");
    }

    /// Copied commitments: whoever copies one cannot show what is in it, for a submission names its job.
    function test_Reveal_OfACopiedCommitment_Reverts() external {
        Job memory first = agree(pairOf(twin(1)));
        Job memory second = agree(pairOf(twin(1), acceptanceOf(twin(1), 2)));
        Submission memory submission = submissionOf(first, 10);
        first = commit(first, submission, SALT);
        second = commit(second, submission, SALT);
        Submission memory own = submissionOf(second, 10);
        refuse(
            second,
            own,
            SALT,
            abi.encodeWithSelector(
                IMarketBase.MarketWrongReveal.selector,
                second.progress.commitment,
                market.commitmentOf(own, SALT)
            )
        );
        refuse(
            second,
            submission,
            SALT,
            abi.encodeWithSelector(IMarketBase.MarketWrongJob.selector, second.terms.jobId, first.terms.jobId)
        );
        refuse(
            first,
            submission,
            "pepper",
            abi.encodeWithSelector(
                IMarketBase.MarketWrongReveal.selector,
                first.progress.commitment,
                market.commitmentOf(submission, "pepper")
            )
        );
    }

    function test_Reveal_OfAPrefix_Reverts() external {
        Request memory request = plainRequest();
        request.auditLine = 1;
        Job memory job = agree(pairOf(request));
        Submission memory prefix = submissionOf(job, 9);
        job = commit(job, prefix, SALT);
        refuse(job, prefix, SALT, abi.encodeWithSelector(IMarketBase.MarketBadCheckpoint.selector, 9, 10));
    }

    function test_Reveal_OfAJobThatDidNotCommit_Reverts() external {
        Job memory job = agree(pairOf(twin(1)));
        refuse(
            job,
            submissionOf(job, 10),
            SALT,
            abi.encodeWithSelector(IMarketBase.MarketWrongState.selector, job.terms.jobId, JobState.Active)
        );
    }

    function refuse(Job memory job, Submission memory submission, bytes32 salt, bytes memory why) private {
        vm.expectRevert(why);
        market.reveal(job, submission, salt);
    }
}
