// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IMarketBase} from "../../../../contracts/interfaces/IMarketBase.sol";
import {Acceptance} from "../../../../contracts/types/Acceptance.sol";
import {Assurance} from "../../../../contracts/types/Assurance.sol";
import {Job} from "../../../../contracts/types/Job.sol";
import {JobState} from "../../../../contracts/types/JobState.sol";
import {Pair} from "../../../../contracts/types/Pair.sol";
import {ProvenanceRecord} from "../../../../contracts/types/ProvenanceRecord.sol";
import {Request} from "../../../../contracts/types/Request.sol";
import {Submission} from "../../../../contracts/types/Submission.sol";
import {Base} from "../../support/Base.sol";
import {vm} from "../../support/Vm.sol";

/// @dev Attacks that an audit found, and what they come to.
contract FindingsTest is Base {
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
