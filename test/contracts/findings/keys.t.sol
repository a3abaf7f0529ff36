// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IMarketBase} from "../../../contracts/interfaces/IMarketBase.sol";
import {IStaking} from "../../../contracts/interfaces/IStaking.sol";
import {OwnedWallet} from "../../../contracts/mocks/OwnedWallet.sol";
import {Acceptance} from "../../../contracts/types/Acceptance.sol";
import {Job} from "../../../contracts/types/Job.sol";
import {JobState} from "../../../contracts/types/JobState.sol";
import {Pair} from "../../../contracts/types/Pair.sol";
import {Request} from "../../../contracts/types/Request.sol";
import {Submission} from "../../../contracts/types/Submission.sol";
import {Base} from "../support/Base.sol";
import {vm} from "../support/Vm.sol";

/// @dev What an audit found about who signs for whom, and for how long.
contract KeyFindings is Base {
    /// What an operator key accepts for its provider, and then signs away, is never what the provider reserved.
    function test_AnOperatorKey_CannotBindReservedStake() external {
        vm.prank(provider.addr);
        staking.reserve(998 * ONE);
        Pair memory pair = pairByOperator(uint128(2 * ONE + 1), 1);
        vm.expectRevert(
            abi.encodeWithSelector(IStaking.StakingInsufficient.selector, provider.addr, 2 * ONE, 2 * ONE + 1)
        );
        market.agreePair(pair);

        Job memory job = agree(pairByOperator(uint128(2 * ONE), 1));
        conflict(job, operator);
        assertState(job, JobState.Slashed);
        assertEq(staked(provider.addr), 998 * ONE, "what was reserved is left");
        pair = pairByOperator(uint128(ONE), 2);
        vm.expectRevert(abi.encodeWithSelector(IStaking.StakingInsufficient.selector, provider.addr, 0, ONE));
        market.agreePair(pair);
    }

    /// A provider that signed two results does not get out by dropping the key that signed them.
    function test_ADroppedOperator_StillAnswersForItsConflicts() external {
        Job memory job = agreed();
        vm.warp(block.timestamp + 100);
        dropOperator();
        assertTrue(!staking.isOperator(provider.addr, operator.addr), "dropped");
        conflict(job, operator);
        assertState(job, JobState.Slashed);
    }

    function test_ADroppedOperator_AnswersForJobsOfItsTimeOnly_BothEdges() external {
        Request memory request = plainRequest();
        Job memory before = agree(pairOf(request));
        dropOperator();
        request.nonce = 2;
        vm.warp(block.timestamp + 1);
        Job memory later = agree(pairOf(request));
        (Submission memory one, Submission memory other) = twoResults(later);
        bytes memory first = sign(operator, market.submissionDigest(one));
        bytes memory second = sign(operator, market.submissionDigest(other));
        vm.expectRevert(abi.encodeWithSelector(IMarketBase.MarketBadSignature.selector, provider.addr));
        market.slashConflict(later, one, first, other, second);
        conflict(before, operator);
        assertState(before, JobState.Slashed);
        // Forbidding it again does not move the time.
        dropOperator();
        assertTrue(!staking.answersFor(provider.addr, operator.addr, later.terms.agreedAt), "not for later jobs");
        assertTrue(!staking.answersFor(provider.addr, stranger.addr, 0), "nor does who never was one");
    }

    function test_ADroppedOperator_SubmitsNothing() external {
        Job memory job = agreed();
        Submission memory submission = submissionOf(job, 10);
        bytes memory signature = sign(operator, market.submissionDigest(submission));
        dropOperator();
        vm.expectRevert(abi.encodeWithSelector(IMarketBase.MarketBadSignature.selector, provider.addr));
        market.submitSigned(job, submission, signature);
        vm.expectRevert(abi.encodeWithSelector(IMarketBase.MarketNotProvider.selector, job.terms.jobId, operator.addr));
        vm.prank(operator.addr);
        market.submit(job, submission);
    }

    /// A contract account that no longer approves what it signed off chain escapes with it, but not its operators with theirs.
    function test_AContractAccount_TakesItsSignaturesBack_AndNotItsOperators() external {
        OwnedWallet wallet = new OwnedWallet(stranger.addr);
        stake(address(wallet), 10 * ONE);
        vm.prank(address(wallet));
        staking.setOperator(operator.addr, true);
        Acceptance memory acceptance = plainAcceptance(plainRequest());
        acceptance.provider = address(wallet);
        Pair memory pair = pairOf(plainRequest(), acceptance);
        pair.acceptanceSignature = sign(operator, market.acceptanceDigest(acceptance));
        Job memory job = agree(pair);
        vm.etch(address(wallet), address(new OwnedWallet(matcher.addr)).code);

        (Submission memory one, Submission memory other) = twoResults(job);
        bytes memory first = sign(stranger, market.submissionDigest(one));
        bytes memory second = sign(stranger, market.submissionDigest(other));
        vm.expectRevert(abi.encodeWithSelector(IMarketBase.MarketBadSignature.selector, address(wallet)));
        market.slashConflict(job, one, first, other, second);
        conflict(job, operator);
        assertState(job, JobState.Slashed);
    }

    function submissionOf(
        Job memory job,
        uint32 checkpoint,
        bytes32 state
    ) private pure returns (Submission memory submission) {
        submission = submissionOf(job, checkpoint);
        submission.stateRoot = state;
    }

    function twoResults(Job memory job) private pure returns (Submission memory one, Submission memory other) {
        one = submissionOf(job, 1);
        other = submissionOf(job, 1, "other");
    }

    /// @dev `who` signs two results for one checkpoint and a stranger shows them.
    function conflict(Job memory job, Person memory who) private {
        (Submission memory one, Submission memory other) = twoResults(job);
        bytes memory first = sign(who, market.submissionDigest(one));
        bytes memory second = sign(who, market.submissionDigest(other));
        vm.prank(stranger.addr);
        market.slashConflict(job, one, first, other, second);
    }

    function dropOperator() private {
        vm.prank(provider.addr);
        staking.setOperator(operator.addr, false);
    }

    function pairByOperator(uint128 collateral, uint64 nonce) private view returns (Pair memory pair) {
        Request memory request = plainRequest();
        request.nonce = nonce;
        Acceptance memory acceptance = plainAcceptance(request);
        acceptance.collateral = collateral;
        pair = pairOf(request, acceptance);
        pair.acceptanceSignature = sign(operator, market.acceptanceDigest(acceptance));
    }
}
