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
import {Twins} from "../../support/Twins.sol";
import {vm} from "../../support/Vm.sol";

contract ReplicasTest is Twins {
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
