// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IMarketBase} from "../../../contracts/interfaces/IMarketBase.sol";
import {Acceptance} from "../../../contracts/types/Acceptance.sol";
import {Assurance} from "../../../contracts/types/Assurance.sol";
import {Job} from "../../../contracts/types/Job.sol";
import {JobState} from "../../../contracts/types/JobState.sol";
import {Pair} from "../../../contracts/types/Pair.sol";
import {ProvenanceRecord} from "../../../contracts/types/ProvenanceRecord.sol";
import {Request} from "../../../contracts/types/Request.sol";
import {SignOff} from "../../../contracts/types/SignOff.sol";
import {Submission} from "../../../contracts/types/Submission.sol";
import {Base} from "../support/Base.sol";
import {vm} from "../support/Vm.sol";

/// @dev Attacks that an audit found, and what they come to.
contract AuditFindings is Base {
    bytes32 internal constant SALT = "salt";

    /// Whoever takes a public request at one base unit, to let it expire, pays for it each time.
    function test_Squatting_CostsAShareOfTheCollateralEachTime() external {
        Person memory squatter = person("squatter");
        stake(squatter.addr, 50 * ONE);
        Request memory request = plainRequest();
        request.minCollateral = uint128(10 * ONE);
        request.maximum = uint128(1_000 * ONE);
        for (uint64 i = 1; i <= 3; ++i) {
            Job memory job = agree(pairBy(squatter, request, i));
            assertEq(job.terms.price, 1, "price");
            vm.warp(uint256(job.terms.deadline) + GRACE + 1);
            market.expire(job);
            assertEq(staked(squatter.addr), (50 - i) * ONE, "a tenth of the collateral");
            assertEq(reputation.standingOf(squatter.addr).expired, (i * ONE) / 10, "a hundredth of the collateral");
        }
        assertEq(reputation.scoreOf(squatter.addr), 0, "score");
    }

    /// Without a least collateral the contract can only go by the price, which the squatter sets.
    function test_Squatting_CostsNextToNothingWithoutALeastCollateral() external {
        Person memory squatter = person("squatter");
        stake(squatter.addr, ONE);
        Job memory job = agree(pairBy(squatter, plainRequest(), 1));
        vm.warp(uint256(job.terms.deadline) + GRACE + 1);
        market.expire(job);
        assertEq(staked(squatter.addr), ONE, "a tenth of one base unit");
        assertEq(free(requester.addr), 1_000 * ONE, "the requester loses its time");
    }

    /// In the last second of the grace time a receipt can be replaced and does not stand; one second later the reverse.
    function test_AReceiptNeverBothStandsAndGivesWay() external {
        Job memory job = stop(agreed());
        uint256 graceEnd = block.timestamp + GRACE;
        job = present(job, submissionOf(job, 1));
        vm.warp(graceEnd);
        job = present(job, submissionOf(job, 8));
        assertEq(job.progress.submittedAt, graceEnd + 1, "stands from");
        vm.warp(graceEnd + 1);
        refuse(
            job,
            submissionOf(job, 9),
            abi.encodeWithSelector(IMarketBase.MarketTooLate.selector, graceEnd + 1, graceEnd)
        );
    }

    function test_AReceiptIsNotReplacedUnderALiveGame() external {
        Job memory job = stop(agreed());
        job = present(job, submissionOf(job, 1));
        setStatus(job, 1, false, 0, 0);
        refuse(
            job,
            submissionOf(job, 9),
            abi.encodeWithSelector(IMarketBase.MarketDisputeLive.selector, job.terms.jobId)
        );
    }

    /// Whoever commits to garbage and lets it expire leaves the request open to others.
    function test_CommittedGarbage_LeavesTheRequestOpen() external {
        Person memory squatter = person("squatter");
        stake(squatter.addr, ONE);
        Request memory request = plainRequest();
        request.auditLine = uint128(ONE / 10);
        Job memory job = agree(pairBy(squatter, request, 1));
        job = commit(job, submissionOf(job, 1), "garbage");
        vm.warp(block.timestamp + REVEAL + 1);
        market.expire(job);
        job = agree(pairOf(request));
        job = commit(job, submissionOf(job, 10), SALT);
        job = reveal(job, submissionOf(job, 10), SALT);
        assertState(job, JobState.Submitted);
    }

    /// One replica's end never takes the reveal from another that has committed.
    function test_ACommittedReplicaThatEnds_LeavesTheOthersTheirReveal() external {
        (Job memory first, Job memory second) = committedTwins();
        bytes memory signature = sign(operator, market.submissionDigest(submissionOf(second, 1)));
        bytes memory other = sign(operator, market.submissionDigest(submissionOf(second, 1, "other")));
        market.slashConflict(second, submissionOf(second, 1), signature, submissionOf(second, 1, "other"), other);
        first = reveal(first, submissionOf(first, 10), SALT);
        assertState(first, JobState.Submitted);
    }

    /// Of two equal results one was shown, then proven wrong: nobody may agree any more, and the other has no company.
    function test_ASlashedReplica_AgreesWithNobodyAndOpensNothing() external {
        (Job memory first, Job memory second) = committedTwins();
        first = reveal(first, submissionOf(first, 10), SALT);
        second = reveal(second, submissionOf(second, 10), SALT);
        game.slash(market, second, stranger.addr, 0);
        Pair memory third = pairOf(twins());
        third.acceptance.nonce = 3;
        third.acceptanceSignature = sign(provider, market.acceptanceDigest(third.acceptance));
        vm.expectRevert(
            abi.encodeWithSelector(IMarketBase.MarketRevealed.selector, market.requestDigest(third.request))
        );
        market.agreePair(third);
        vm.warp(uint256(first.progress.windowEnd) + 1);
        market.settle(first);
        ProvenanceRecord memory entry = provenance.recordAt(first.progress.modelRoot, 0);
        assertEq(uint256(entry.assurance), uint256(Assurance.Window), "assurance");
        assertEq(entry.agreeing, 1, "agreeing");
    }

    /// Whoever takes the other place of a replicated request, loses it and takes it again, moves the last deadline each
    /// time: but not once a replica that has committed is due.
    function test_AReveal_IsNotPutOffBeyondOneMoreRun() external {
        Person memory squatter = person("squatter");
        stake(squatter.addr, 50 * ONE);
        Request memory request = twins();
        Job memory job = agree(pairOf(request));
        job = commit(job, submissionOf(job, 10), SALT);
        for (uint64 i = 1; i <= 2; ++i) {
            Job memory other = stop(agree(pairBy(squatter, request, i)));
            vm.warp(block.timestamp + GRACE + 1);
            market.expire(other);
        }
        Pair memory again = pairBy(squatter, request, 3);
        vm.warp(uint256(job.terms.deadline) + 1);
        vm.expectRevert(abi.encodeWithSelector(IMarketBase.MarketRevealed.selector, job.terms.requestDigest));
        market.agreePair(again);
        vm.warp(job.terms.deadline);
        Job memory last = agree(again);
        assertEq(last.terms.deadline, job.terms.deadline + RUN_TIME, "the last deadline there can be");
        vm.warp(uint256(last.terms.deadline) + 1);
        job = reveal(job, submissionOf(job, 10), SALT);
        assertState(job, JobState.Submitted);
    }

    /// A commitment that is never shown closes the request for its own time only.
    function test_CommittedGarbageThatIsDue_LeavesTheRequestOpenOnceItExpired() external {
        Job memory job = agree(pairOf(twins()));
        job = commit(job, submissionOf(job, 10), "garbage");
        Pair memory pair = pairOf(twins());
        pair.acceptance.nonce = 2;
        pair.acceptance.expiry = pair.request.expiry;
        pair.acceptanceSignature = sign(provider, market.acceptanceDigest(pair.acceptance));
        vm.warp(uint256(job.terms.deadline) + 1 + REVEAL);
        vm.expectRevert(abi.encodeWithSelector(IMarketBase.MarketRevealed.selector, job.terms.requestDigest));
        market.agreePair(pair);
        vm.warp(block.timestamp + 1);
        market.expire(job);
        assertState(agree(pair), JobState.Active);
    }

    /// A stop in the deadline's last second undoes the commitment that was on its way in the same block: it can be sent again.
    function test_AStopInTheLastSecond_LeavesTheGraceToCommit() external {
        Job memory first = agree(pairOf(twins()));
        Pair memory pair = pairOf(twins());
        pair.acceptance.nonce = 2;
        pair.acceptanceSignature = sign(provider, market.acceptanceDigest(pair.acceptance));
        Job memory second = agree(pair);
        first = commit(first, submissionOf(first, 10), SALT);

        vm.warp(second.terms.deadline);
        Job memory stopped = stop(copyOf(second));
        vm.expectRevert(abi.encodeWithSelector(IMarketBase.MarketWrongRecord.selector, second.terms.jobId));
        vm.prank(provider.addr);
        market.commit(second, SALT);

        uint256 graceEnd = uint256(second.terms.deadline) + GRACE;
        vm.warp(graceEnd);
        // Nobody shows a result that it could still copy.
        vm.expectRevert(abi.encodeWithSelector(IMarketBase.MarketTooEarly.selector, graceEnd, graceEnd + 1));
        market.reveal(first, submissionOf(first, 10), SALT);
        vm.warp(graceEnd + 1);
        vm.expectRevert(abi.encodeWithSelector(IMarketBase.MarketTooLate.selector, graceEnd + 1, graceEnd));
        vm.prank(provider.addr);
        market.commit(stopped, SALT);
        vm.warp(graceEnd);
        stopped = commit(stopped, submissionOf(stopped, 10), SALT);
        stopped = reveal(stopped, submissionOf(stopped, 10), SALT);
        vm.warp(uint256(stopped.progress.windowEnd) + 1);
        market.settle(stopped);
        assertEq(free(provider.addr), ONE, "paid");
    }

    /// An older receipt presented in front of the provider's own makes its call fail: once, and never again.
    function test_AnOlderReceiptInFront_IsTheLastOneOnceTheLatestWasShown() external {
        Job memory job = stop(agreed());
        Submission memory latest = submissionOf(job, 8);
        Job memory changed = present(copyOf(job), submissionOf(job, 1));
        refuse(job, latest, abi.encodeWithSelector(IMarketBase.MarketWrongRecord.selector, job.terms.jobId));

        bytes memory signature = sign(provider, market.submissionDigest(latest));
        vm.prank(stranger.addr);
        market.showReceipt(provider.addr, latest, signature);
        refuse(changed, submissionOf(job, 7), abi.encodeWithSelector(IMarketBase.MarketBadCheckpoint.selector, 7, 8));
        changed = present(changed, latest);
        assertEq(changed.progress.checkpoint, 8, "the latest stands");
    }

    /// What a result shows can be copied into a job with oneself that is signed off at once. The copy comes first, and says
    /// of itself that nobody had time to challenge it; the honest record stands behind it with what it earned.
    function test_APreemptedRecord_StandsBesideTheCopy() external {
        Job memory honest = submitted();
        Request memory request = plainRequest();
        request.requester = stranger.addr;
        fund(stranger.addr, 2 * ONE);
        stake(stranger.addr, ONE);
        Pair memory pair = pairBy(stranger, request, 1);
        pair.requestSignature = sign(stranger, market.requestDigest(request));
        Job memory copy = agree(pair);
        copy = submit(copy, submissionOf(copy, 10));
        SignOff memory signOff = SignOff(copy.terms.jobId, copy.progress.traceRoot);
        market.settleSignedOff(copy, signOff, sign(stranger, market.signOffDigest(signOff)));
        vm.warp(uint256(honest.progress.windowEnd) + 1);
        market.settle(honest);

        ProvenanceRecord[] memory records = provenance.provenanceOf(honest.progress.modelRoot);
        assertEq(records.length, 2, "records");
        assertEq(uint256(records[0].assurance), uint256(Assurance.SignedOff), "the copy");
        assertEq(records[0].requester, records[0].provider, "made for itself");
        assertEq(uint256(records[1].assurance), uint256(Assurance.Window), "the honest one");
        assertEq(records[1].jobId, honest.terms.jobId, "its job");
        assertEq(free(provider.addr), ONE, "paid in full");
    }

    /// The contract does not see whether a program reads its parent: the record says from which step it started.
    function test_AClaimedParent_IsRecordedAsAStartFromNothing() external {
        Job memory parent = submitted();
        vm.warp(uint256(parent.progress.windowEnd) + 1);
        market.settle(parent);
        Request memory request = plainRequest();
        request.nonce = 2;
        request.parentRoot = parent.progress.modelRoot;
        Job memory child = agree(pairOf(request));
        Submission memory submission = submissionOf(child, 10);
        submission.modelRoot = keccak256("unlike its parent");
        child = submit(child, submission);
        vm.warp(uint256(child.progress.windowEnd) + 1);
        market.settle(child);
        (bytes32[] memory roots, ) = provenance.lineageOf(submission.modelRoot, 0, 9);
        assertEq(roots.length, 2, "the claim");
        assertEq(child.terms.startRoot, 0, "no state of the parent");
        assertEq(child.terms.startStep, 0, "nor a step of it");
    }

    function twins() private view returns (Request memory request) {
        request = plainRequest();
        request.replicas = 2;
    }

    function committedTwins() private returns (Job memory first, Job memory second) {
        first = agree(pairOf(twins()));
        Acceptance memory acceptance = plainAcceptance(twins());
        acceptance.nonce = 2;
        second = agree(pairOf(twins(), acceptance));
        first = commit(first, submissionOf(first, 10), SALT);
        second = commit(second, submissionOf(second, 10), SALT);
    }

    function submissionOf(
        Job memory job,
        uint32 checkpoint,
        bytes32 state
    ) private pure returns (Submission memory submission) {
        submission = submissionOf(job, checkpoint);
        submission.stateRoot = state;
    }

    function refuse(Job memory job, Submission memory receipt, bytes memory why) private {
        bytes memory signature = sign(provider, market.submissionDigest(receipt));
        vm.expectRevert(why);
        market.submitReceipt(job, receipt, signature);
    }

    /// @dev Somebody takes a request of `requester` at one base unit, with all the collateral that is asked.
    function pairBy(Person memory who, Request memory request, uint64 nonce) private view returns (Pair memory pair) {
        Acceptance memory acceptance = plainAcceptance(request);
        acceptance.provider = who.addr;
        acceptance.unitPrice = (1e18 + UNITS - 1) / UNITS;
        acceptance.collateral = request.minCollateral == 0 ? 1 : request.minCollateral;
        acceptance.nonce = nonce;
        acceptance.expiry = request.expiry;
        pair = pairOf(request, acceptance);
        pair.acceptanceSignature = sign(who, market.acceptanceDigest(acceptance));
    }
}
