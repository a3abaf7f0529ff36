// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IMarketBase} from "../../../../contracts/interfaces/IMarketBase.sol";
import {Acceptance} from "../../../../contracts/types/Acceptance.sol";
import {Assurance} from "../../../../contracts/types/Assurance.sol";
import {Job} from "../../../../contracts/types/Job.sol";
import {JobState} from "../../../../contracts/types/JobState.sol";
import {ProvenanceRecord} from "../../../../contracts/types/ProvenanceRecord.sol";
import {Request} from "../../../../contracts/types/Request.sol";
import {Submission} from "../../../../contracts/types/Submission.sol";
import {Base} from "../../support/Base.sol";
import {vm} from "../../support/Vm.sol";

contract ReplicasTest is Base {
    bytes32 internal constant SALT = "salt";

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

    /// I7: open and settled jobs of a request are never more than its replicas.
    function test_Agree_UntilEveryPlaceIsTaken() external {
        Request memory request = twin(1);
        agree(pairOf(request));
        agree(pairOf(request, acceptanceOf(request, 2)));
        assertEq(market.placesTaken(request), 2, "places");
        refuse(
            request,
            3,
            abi.encodeWithSelector(IMarketBase.MarketNoPlaceLeft.selector, market.requestDigest(request), 2)
        );
    }

    function test_Agree_AfterACancellation_Reverts() external {
        Request memory request = twin(1);
        agree(pairOf(request));
        vm.prank(requester.addr);
        market.cancelRequest(request);
        bytes32 digest = market.requestDigest(request);
        refuse(request, 2, abi.encodeWithSelector(IMarketBase.MarketRequestCancelled.selector, digest));
    }

    /// The earliest deadline of those that have committed, in whichever order they do.
    function test_Agree_UntilTheFirstDeadlineOfTheCommitted() external {
        Request memory request = twin(1);
        request.replicas = 3;
        request.expiry = uint40(START + 30 days);
        Job memory first = agree(pairOf(request));
        vm.warp(block.timestamp + 10);
        Job memory second = agree(pairOf(request, acceptanceOf(request, 2)));
        commit(second, submissionOf(second, 10), SALT);
        commit(first, submissionOf(first, 10), SALT);
        vm.warp(uint256(first.terms.deadline) + 1);
        refuse(request, 3, abi.encodeWithSelector(IMarketBase.MarketRevealed.selector, market.requestDigest(request)));
        vm.warp(first.terms.deadline);
        agree(pairOf(request, acceptanceOf(request, 3)));
    }

    /// A third party must not agree when results can be seen, even where a place came back.
    function test_Agree_AfterTheReveal_Reverts() external {
        (Job memory first, Job memory second) = committedTwins();
        reveal(first, submissionOf(first, 10), SALT);
        vm.warp(block.timestamp + REVEAL + 1);
        market.expire(second);
        Request memory request = twin(1);
        request.expiry = uint40(START + 1 hours);
        assertEq(market.placesTaken(request), 1, "a place came back");
        refuse(request, 3, abi.encodeWithSelector(IMarketBase.MarketRevealed.selector, market.requestDigest(request)));
    }

    function test_Settle_EqualResultsAreReplicated() external {
        (Job memory first, Job memory second) = committedTwins();
        first = reveal(first, submissionOf(first, 10), SALT);
        second = reveal(second, submissionOf(second, 10), SALT);
        vm.warp(uint256(second.progress.windowEnd) + 1);
        market.settle(first);
        market.settle(second);
        ProvenanceRecord[] memory records = provenance.provenanceOf(first.progress.modelRoot);
        assertEq(records.length, 2, "records");
        for (uint256 i = 0; i < 2; ++i) {
            assertEq(uint256(records[i].assurance), uint256(Assurance.Replicated), "assurance");
            assertEq(records[i].agreeing, 2, "agreeing");
        }
        assertEq(free(provider.addr), 2 * ONE, "both are paid");
    }

    function test_Settle_UnequalResultsAreNotReplicated() external {
        Job memory first = agree(pairOf(twin(1)));
        Job memory second = agree(pairOf(twin(1), acceptanceOf(twin(1), 2)));
        Submission memory other = submissionOf(second, 10);
        other.stateRoot = keccak256("another state");
        first = commit(first, submissionOf(first, 10), SALT);
        second = commit(second, other, SALT);
        first = reveal(first, submissionOf(first, 10), SALT);
        second = reveal(second, other, SALT);
        vm.warp(uint256(first.progress.windowEnd) + 1);
        market.settle(first);
        ProvenanceRecord memory entry = provenance.recordAt(first.progress.modelRoot, 0);
        assertEq(uint256(entry.assurance), uint256(Assurance.Window), "assurance");
        assertEq(entry.agreeing, 1, "agreeing");
    }

    function test_Settle_ARefutedReplicaLendsNoWeight() external {
        (Job memory first, Job memory second) = committedTwins();
        first = reveal(first, submissionOf(first, 10), SALT);
        second = reveal(second, submissionOf(second, 10), SALT);
        game.slash(market, first, stranger.addr, 0);
        vm.warp(uint256(second.progress.windowEnd) + 1);
        market.settle(second);
        ProvenanceRecord memory entry = provenance.recordAt(second.progress.modelRoot, 0);
        assertEq(uint256(entry.assurance), uint256(Assurance.Window), "assurance");
        assertEq(entry.agreeing, 1, "agreeing");
    }

    /// Silence after a commitment costs as much as silence without one, or more.
    function test_Expire_OfACommitmentNotRevealed_BothEdges() external {
        (, Job memory job) = committedTwins();
        uint256 until = block.timestamp + REVEAL;
        vm.warp(until);
        vm.expectRevert(abi.encodeWithSelector(IMarketBase.MarketTooEarly.selector, until, until + 1));
        market.expire(job);
        vm.warp(until + 1);
        market.expire(job);
        assertState(job, JobState.Expired);
        assertEq(ledger.burned(), ONE / 5, "a fifth of the collateral");
        assertEq(reputation.standingOf(provider.addr).expired, ONE / 100, "fact");
    }

    function test_Expire_OfAReplicaThatNeverCommitted_GivesThePlaceBack() external {
        Request memory request = twin(1);
        Job memory first = agree(pairOf(request));
        vm.warp(uint256(first.terms.deadline) + GRACE + 1);
        market.expire(first);
        request.expiry = uint40(START + 1 hours);
        assertEq(market.placesTaken(request), 0, "places");
        Job memory second = agree(pairOf(request, acceptanceOf(request, 2)));
        Job memory third = agree(pairOf(request, acceptanceOf(request, 3)));
        second = commit(second, submissionOf(second, 10), SALT);
        third = commit(third, submissionOf(third, 10), SALT);
        reveal(second, submissionOf(second, 10), SALT);
    }

    function twin(uint64 nonce) private view returns (Request memory request) {
        request = plainRequest();
        request.nonce = nonce;
        request.replicas = 2;
        request.expiry = uint40(START + 1 hours);
    }

    function acceptanceOf(Request memory request, uint64 nonce) private view returns (Acceptance memory acceptance) {
        acceptance = plainAcceptance(request);
        acceptance.nonce = nonce;
    }

    function auditedTwins() private returns (Job memory first, Job memory second) {
        Request memory request = twin(1);
        request.auditLine = uint128(ONE / 10);
        first = agree(pairOf(request));
        second = agree(pairOf(request, acceptanceOf(request, 2)));
        first = commit(first, submissionOf(first, 10), SALT);
        second = commit(second, submissionOf(second, 10), SALT);
    }

    function committedTwins() private returns (Job memory first, Job memory second) {
        first = agree(pairOf(twin(1)));
        second = agree(pairOf(twin(1), acceptanceOf(twin(1), 2)));
        first = commit(first, submissionOf(first, 10), SALT);
        second = commit(second, submissionOf(second, 10), SALT);
    }

    function refuse(Job memory job, Submission memory submission, bytes32 salt, bytes memory why) private {
        vm.expectRevert(why);
        market.reveal(job, submission, salt);
    }

    function refuse(Request memory request, uint64 nonce, bytes memory why) private {
        (bytes memory requestSignature, Acceptance memory acceptance) = (
            sign(requester, market.requestDigest(request)),
            acceptanceOf(request, nonce)
        );
        bytes memory acceptanceSignature = sign(provider, market.acceptanceDigest(acceptance));
        vm.expectRevert(why);
        market.agree(request, requestSignature, acceptance, acceptanceSignature);
    }
}
