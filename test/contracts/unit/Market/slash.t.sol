// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IMarketBase} from "../../../../contracts/interfaces/IMarketBase.sol";
import {ScriptedGame} from "../../../../contracts/mocks/ScriptedGame.sol";
import {Acceptance} from "../../../../contracts/types/Acceptance.sol";
import {Job} from "../../../../contracts/types/Job.sol";
import {JobState} from "../../../../contracts/types/JobState.sol";
import {Params} from "../../../../contracts/types/Params.sol";
import {Request} from "../../../../contracts/types/Request.sol";
import {Submission} from "../../../../contracts/types/Submission.sol";
import {Base} from "../../support/Base.sol";
import {vm} from "../../support/Vm.sol";

abstract contract SlashBase is Base {
    function lossy(uint128 collateral, uint128 statedLoss) internal returns (Job memory job) {
        Request memory request = plainRequest();
        request.statedLoss = statedLoss;
        Acceptance memory acceptance = plainAcceptance(request);
        acceptance.collateral = collateral;
        job = agree(pairOf(request, acceptance));
        return submit(job, submissionOf(job, 10));
    }

    function assertSlashed(Job memory job, uint256 had, uint256 reward, uint256 damages) internal view {
        uint256 collateral = job.terms.collateral;
        assertState(job, JobState.Slashed);
        assertEq(free(requester.addr), had + damages, "requester");
        assertEq(free(stranger.addr), reward, "winner");
        assertEq(ledger.burned(), collateral - reward - damages, "burned");
        assertEq(staked(provider.addr), 1_000 * ONE - collateral, "stake");
        assertEq(locked(provider.addr), 0, "locked");
        assertEq(free(provider.addr), 0, "the provider is not paid");
        assertEq(reputation.standingOf(provider.addr).slashed, ONE / 100, "fact");
        assertEq(provenance.recordCount(keccak256(abi.encode("model", uint32(10)))), 0, "no record");
    }
}

contract SlashTest is SlashBase {
    function test_TheWaterfall_WithoutCostsOrLoss() external {
        uint256 had = free(requester.addr);
        Job memory job = lossy(uint128(10 * ONE), 0);
        game.slash(market, job, stranger.addr, 0);
        assertSlashed(job, had, 4 * ONE, 0);
    }

    /// Peers' mistake: slashed funds all to whoever slashes.
    function test_TheWaterfall_CostsFirst_ThenReward_ThenDamages_BurnShareKept() external {
        uint256 had = free(requester.addr);
        Job memory job = lossy(uint128(10 * ONE), uint128(3 * ONE));
        game.slash(market, job, stranger.addr, 2 * ONE);
        // 7.5 to give: 2 costs, 4 reward, 1.5 of 3 damages.
        assertSlashed(job, had, 6 * ONE, ONE + ONE / 2);
    }

    function test_TheWaterfall_CostsAboveTheCollateral() external {
        uint256 had = free(requester.addr);
        Job memory job = lossy(uint128(10 * ONE), uint128(3 * ONE));
        game.slash(market, job, stranger.addr, type(uint256).max);
        assertSlashed(job, had, 7 * ONE + ONE / 2, 0);
    }

    function test_TheWaterfall_DamagesNotAboveTheStatedLoss() external {
        uint256 had = free(requester.addr);
        Job memory job = lossy(uint128(10 * ONE), uint128(ONE));
        game.slash(market, job, stranger.addr, 0);
        assertSlashed(job, had, 4 * ONE, ONE);
    }

    function test_ThePlaceIsGivenBack() external {
        Job memory job = submitted();
        game.slash(market, job, stranger.addr, 0);
        Request memory request = plainRequest();
        assertEq(market.placesTaken(request), 0, "places");
        Acceptance memory acceptance = plainAcceptance(request);
        acceptance.nonce = 2;
        agree(pairOf(request, acceptance));
        assertState(job, JobState.Slashed);
    }

    /// Stake on its way out still answers.
    function test_LeavingStakeIsSlashedToo() external {
        Job memory job = submitted();
        vm.prank(provider.addr);
        staking.requestUnstake(1_000 * ONE);
        game.slash(market, job, stranger.addr, 0);
        (uint256 total, uint256 lockedNow, uint256 leaving, ) = staking.stakeOf(provider.addr);
        assertEq(total, 999 * ONE, "total");
        assertEq(lockedNow, 0, "locked");
        assertEq(leaving, 999 * ONE, "leaving");
    }

    function test_RevertWhen_AnyoneElseCalls() external {
        Job memory job = submitted();
        vm.expectRevert(abi.encodeWithSelector(IMarketBase.MarketNotDisputes.selector, governor));
        vm.prank(governor);
        market.slash(job, governor, 0);
    }

    /// A job keeps the game it was agreed under.
    function test_RevertWhen_AnotherVersionsGameCalls() external {
        Job memory job = submitted();
        ScriptedGame other = new ScriptedGame();
        vm.startPrank(governor);
        (, Params memory params) = parameters.current();
        params.disputes = address(other);
        parameters.add(params);
        vm.stopPrank();
        vm.expectRevert(abi.encodeWithSelector(IMarketBase.MarketNotDisputes.selector, address(other)));
        other.slash(market, job, stranger.addr, 0);
        game.slash(market, job, stranger.addr, 0);
    }

    function test_RevertWhen_NoResultStands() external {
        Job memory job = agreed();
        vm.expectRevert(
            abi.encodeWithSelector(IMarketBase.MarketWrongState.selector, job.terms.jobId, JobState.Active)
        );
        game.slash(market, job, stranger.addr, 0);
    }

    function test_RevertWhen_TheJobIsSettled() external {
        Job memory job = submitted();
        vm.warp(uint256(job.progress.windowEnd) + 1);
        market.settle(job);
        vm.expectRevert(
            abi.encodeWithSelector(IMarketBase.MarketWrongState.selector, job.terms.jobId, JobState.Settled)
        );
        game.slash(market, job, stranger.addr, 0);
    }

    /// Finding g: a reward that nobody earned adds nothing to the damages, which the provider's friend may be owed.
    function test_WithoutAWinner_TheRewardBurns() external {
        uint256 had = free(requester.addr);
        Job memory job = lossy(uint128(10 * ONE), uint128(6 * ONE));
        game.slash(market, job, address(0), 0);
        assertSlashed(job, had, 0, 3 * ONE + ONE / 2);
    }
}

contract SlashConflictTest is SlashBase {
    function test_TwoReceiptsForOneCheckpoint() external {
        uint256 had = free(requester.addr);
        Job memory job = agreed();
        Submission memory first = submissionOf(job, 3);
        Submission memory second = submissionOf(job, 3);
        second.stateRoot = keccak256("another");
        bytes memory firstSignature = sign(provider, market.submissionDigest(first));
        bytes memory secondSignature = sign(operator, market.submissionDigest(second));
        vm.prank(stranger.addr);
        market.slashConflict(job, first, firstSignature, second, secondSignature);
        assertSlashed(job, had, (ONE * 4) / 10, 0);
    }

    function test_AReceiptAgainstWhatStands() external {
        uint256 had = free(requester.addr);
        Job memory job = submitted();
        Submission memory receipt = submissionOf(job, 10);
        Submission memory standing = submissionOf(job, 10);
        receipt.prefixRoot = keccak256("another");
        bytes memory signature = sign(provider, market.submissionDigest(receipt));
        vm.prank(stranger.addr);
        market.slashConflict(job, standing, "", receipt, signature);
        assertSlashed(job, had, (ONE * 4) / 10, 0);
    }

    function test_OfACommittedJob() external {
        Request memory request = plainRequest();
        request.replicas = 2;
        Job memory job = agree(pairOf(request));
        job = commit(job, submissionOf(job, 10), "salt");
        Submission memory other = submissionOf(job, 10);
        other.stateRoot = keccak256("another");
        slashWith(job, submissionOf(job, 10), other);
        assertState(job, JobState.Slashed);
        assertEq(market.placesTaken(request), 0, "places");
    }

    function test_RevertWhen_BothSayTheSame() external {
        Job memory job = agreed();
        Submission memory first = submissionOf(job, 3);
        Submission memory second = submissionOf(job, 3);
        // The transport address is no part of what was computed.
        second.modelCid = keccak256("another");
        refuse(job, first, second, abi.encodeWithSelector(IMarketBase.MarketNoConflict.selector, job.terms.jobId));
        refuse(
            job,
            first,
            submissionOf(job, 4),
            abi.encodeWithSelector(IMarketBase.MarketNoConflict.selector, job.terms.jobId)
        );
    }

    function test_RevertWhen_ASignatureIsAnothers() external {
        Job memory job = agreed();
        Submission memory first = submissionOf(job, 3);
        Submission memory second = submissionOf(job, 3);
        second.stateRoot = keccak256("another");
        bytes memory firstSignature = sign(provider, market.submissionDigest(first));
        bytes memory secondSignature = sign(stranger, market.submissionDigest(second));
        vm.expectRevert(abi.encodeWithSelector(IMarketBase.MarketBadSignature.selector, provider.addr));
        market.slashConflict(job, first, firstSignature, second, secondSignature);
        vm.expectRevert(abi.encodeWithSelector(IMarketBase.MarketBadSignature.selector, provider.addr));
        market.slashConflict(job, first, firstSignature, second, "");
    }

    /// Before anything stands nothing may go unsigned, not even zeros.
    function test_RevertWhen_NothingStandsAndASignatureIsMissing() external {
        Job memory job = agreed();
        Submission memory nothing;
        nothing.jobId = job.terms.jobId;
        Submission memory other;
        other.jobId = job.terms.jobId;
        other.stateRoot = keccak256("another");
        bytes memory signature = sign(provider, market.submissionDigest(other));
        vm.expectRevert(abi.encodeWithSelector(IMarketBase.MarketBadSignature.selector, provider.addr));
        market.slashConflict(job, nothing, "", other, signature);
    }

    function test_RevertWhen_AReceiptIsForAnotherJob() external {
        Job memory job = agreed();
        Submission memory first = submissionOf(job, 3);
        Submission memory second = submissionOf(job, 3);
        second.jobId = keccak256("another");
        second.stateRoot = keccak256("another");
        refuse(
            job,
            first,
            second,
            abi.encodeWithSelector(IMarketBase.MarketWrongJob.selector, job.terms.jobId, second.jobId)
        );
    }

    /// Finding F5: a friend's game or demand does not keep a provider from being slashed, nor does a friend have the reward of a game
    /// that it is losing.
    function test_WhileADisputeIsLive_TheRewardBurns() external {
        uint256 had = free(requester.addr);
        Job memory job = submitted();
        setStatus(job, 1, false, 0, 0);
        slashAnother(job);
        assertSlashed(job, had, 0, 0);
    }

    /// Auditors of a standing result come before a friend, too.
    function test_WhileAuditorsHaveTheirTime_TheRewardBurns() external {
        uint256 had = free(requester.addr);
        Job memory job = submitted();
        setStatus(job, 0, false, uint40(block.timestamp), 0);
        slashAnother(job);
        assertSlashed(job, had, 0, 0);
    }

    function test_OnceAuditorsHadTheirTime_TheRewardIsTheCallers() external {
        uint256 had = free(requester.addr);
        Job memory job = submitted();
        setStatus(job, 0, false, uint40(block.timestamp) - 1, 0);
        slashAnother(job);
        assertSlashed(job, had, (ONE * 4) / 10, 0);
    }

    function test_RevertWhen_TheJobIsOver() external {
        Job memory job = submitted();
        vm.warp(uint256(job.progress.windowEnd) + 1);
        market.settle(job);
        Submission memory other = submissionOf(job, 10);
        other.stateRoot = keccak256("another");
        refuse(
            job,
            submissionOf(job, 10),
            other,
            abi.encodeWithSelector(IMarketBase.MarketWrongState.selector, job.terms.jobId, JobState.Settled)
        );
    }

    function slashAnother(Job memory job) private {
        Submission memory other = submissionOf(job, 10);
        other.stateRoot = keccak256("another");
        bytes memory signature = sign(provider, market.submissionDigest(other));
        vm.prank(stranger.addr);
        market.slashConflict(job, submissionOf(job, 10), "", other, signature);
    }

    function slashWith(Job memory job, Submission memory first, Submission memory second) private {
        bytes memory firstSignature = sign(provider, market.submissionDigest(first));
        bytes memory secondSignature = sign(provider, market.submissionDigest(second));
        market.slashConflict(job, first, firstSignature, second, secondSignature);
    }

    function refuse(Job memory job, Submission memory first, Submission memory second, bytes memory why) private {
        bytes memory firstSignature = sign(provider, market.submissionDigest(first));
        bytes memory secondSignature = sign(provider, market.submissionDigest(second));
        vm.expectRevert(why);
        market.slashConflict(job, first, firstSignature, second, secondSignature);
    }
}

contract VoidTest is SlashBase {
    function test_AllMoneyGoesBack_FromEveryLiveState() external {
        uint256 had = free(requester.addr);
        Job memory active = agreed();
        Request memory request = plainRequest();
        request.nonce = 2;
        request.auditLine = 7;
        Job memory committed = agree(pairOf(request));
        committed = commit(committed, submissionOf(committed, 10), "salt");
        request = plainRequest();
        request.nonce = 3;
        Job memory done = agree(pairOf(request));
        done = submit(done, submissionOf(done, 10));

        game.voidJob(market, active);
        game.voidJob(market, committed);
        game.voidJob(market, done);

        assertState(active, JobState.Void);
        assertState(committed, JobState.Void);
        assertState(done, JobState.Void);
        assertEq(free(requester.addr), had, "escrow");
        assertEq(staked(provider.addr), 1_000 * ONE, "stake");
        assertEq(locked(provider.addr), 0, "locked");
        assertEq(reputation.standingOf(provider.addr).slashed, 0, "facts");
    }

    function test_RevertWhen_AnyoneElseCalls() external {
        Job memory job = agreed();
        vm.expectRevert(abi.encodeWithSelector(IMarketBase.MarketNotDisputes.selector, requester.addr));
        vm.prank(requester.addr);
        market.voidJob(job);
    }

    function test_RevertWhen_TheJobIsOver() external {
        Job memory job = agreed();
        game.voidJob(market, job);
        vm.expectRevert(abi.encodeWithSelector(IMarketBase.MarketWrongState.selector, job.terms.jobId, JobState.Void));
        game.voidJob(market, job);
    }

    function test_ALostChallengeCountsForTheRequester() external {
        Job memory job = submitted();
        game.noteLostChallenge(market, job, requester.addr);
        assertEq(reputation.standingOf(requester.addr).challengesLost, ONE / 100, "fact");
    }

    function test_RevertWhen_TheChallengeWasAnothers() external {
        Job memory job = submitted();
        vm.expectRevert(abi.encodeWithSelector(IMarketBase.MarketNotRequester.selector, requester.addr, stranger.addr));
        game.noteLostChallenge(market, job, stranger.addr);
        vm.expectRevert(abi.encodeWithSelector(IMarketBase.MarketNotDisputes.selector, provider.addr));
        vm.prank(provider.addr);
        market.noteLostChallenge(job, requester.addr);
    }
}
