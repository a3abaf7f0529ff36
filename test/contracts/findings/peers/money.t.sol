// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {ILedger} from "../../../../contracts/interfaces/ILedger.sol";
import {IMarketBase} from "../../../../contracts/interfaces/IMarketBase.sol";
import {IStaking} from "../../../../contracts/interfaces/IStaking.sol";
import {Acceptance} from "../../../../contracts/types/Acceptance.sol";
import {Job} from "../../../../contracts/types/Job.sol";
import {JobState} from "../../../../contracts/types/JobState.sol";
import {Request} from "../../../../contracts/types/Request.sol";
import {Submission} from "../../../../contracts/types/Submission.sol";
import {Base} from "../../support/Base.sol";
import {vm} from "../../support/Vm.sol";

/// @dev Peers' mistakes with money: each test is named after one.
contract PeersMoney is Base {
    /// Slashed funds to whoever slashes: a share is burned whatever costs are claimed, so that slashing oneself with a
    /// friend's help is a loss.
    function test_SlashedFundsToWhoeverSlashes() external {
        Job memory job = submitted();
        uint256 collateral = job.terms.collateral;
        game.slash(market, job, stranger.addr, type(uint256).max);
        assertEq(free(stranger.addr), (collateral * 7_500) / 10_000, "costs and reward");
        assertEq(ledger.burned(), (collateral * 2_500) / 10_000, "burned");

        Request memory request = plainRequest();
        request.nonce = 2;
        job = agree(pairOf(request));
        Submission memory one = submissionOf(job, 1);
        Submission memory other = submissionOf(job, 1);
        other.stateRoot = keccak256("another");
        bytes memory first = sign(provider, market.submissionDigest(one));
        bytes memory second = sign(provider, market.submissionDigest(other));
        vm.prank(provider.addr);
        market.slashConflict(job, one, first, other, second);
        assertEq(free(provider.addr), (collateral * 4_000) / 10_000, "its own reward");
        assertEq(staked(provider.addr), 1_000 * ONE - 2 * collateral, "its stake");
    }

    /// Stake without a slash path: every unit that is locked can be taken, on its way out and after its delay too.
    function test_StakeWithoutASlashPath() external {
        Request memory request = plainRequest();
        Acceptance memory acceptance = plainAcceptance(request);
        acceptance.collateral = uint128(1_000 * ONE);
        Job memory job = agree(pairOf(request, acceptance));
        job = submit(job, submissionOf(job, 10));
        vm.startPrank(provider.addr);
        staking.reserve(1_000 * ONE);
        staking.requestUnstake(1_000 * ONE);
        vm.warp(block.timestamp + UNBONDING);
        vm.expectRevert(abi.encodeWithSelector(IStaking.StakingNothingToWithdraw.selector, provider.addr));
        staking.withdrawStake();
        vm.stopPrank();
        game.slash(market, job, stranger.addr, 0);
        assertEq(staked(provider.addr), 0, "all of it");
        assertEq(free(stranger.addr) + ledger.burned(), 1_000 * ONE, "is accounted for");
    }

    /// Self-reported units: the units are the request's, signed by who pays for them; a provider states a price of one, once.
    function test_SelfReportedUnits() external {
        Job memory job = agreed();
        assertEq(job.terms.price, ONE, "price of the units that were signed");
        Job memory padded = copyOf(job);
        padded.terms.stepUnits *= 2;
        vm.expectRevert(abi.encodeWithSelector(IMarketBase.MarketWrongRecord.selector, job.terms.jobId));
        vm.prank(provider.addr);
        market.submit(padded, submissionOf(padded, 10));

        job = submit(job, submissionOf(job, 10));
        vm.warp(uint256(job.progress.windowEnd) + 1);
        padded = copyOf(job);
        padded.terms.evalUnits += 1;
        vm.expectRevert(abi.encodeWithSelector(IMarketBase.MarketWrongRecord.selector, job.terms.jobId));
        market.settle(padded);
        market.settle(job);
        assertEq(free(provider.addr), ONE, "paid");

        // A request of more units than its maximum covers is no job, whatever the provider asks for one.
        Request memory request = plainRequest();
        request.nonce = 2;
        request.stepUnits = 1_000;
        Acceptance memory acceptance = plainAcceptance(request);
        uint256 total = (acceptance.unitPrice * 101_500) / 1e18;
        acceptance.collateral = uint128(100 * ONE);
        bytes memory requestSignature = sign(requester, market.requestDigest(request));
        bytes memory acceptanceSignature = sign(provider, market.acceptanceDigest(acceptance));
        vm.expectRevert(abi.encodeWithSelector(IMarketBase.MarketAboveMaximum.selector, total + total / 100, 2 * ONE));
        market.agree(request, requestSignature, acceptance, acceptanceSignature);
    }

    /// Silent no-op withdrawals: what moves nothing says so.
    function test_SilentNoOpWithdrawals() external {
        vm.startPrank(stranger.addr);
        vm.expectRevert(abi.encodeWithSelector(ILedger.LedgerInsufficientBalance.selector, stranger.addr, 0, 1));
        ledger.withdraw(stranger.addr, 1);
        vm.expectRevert(abi.encodeWithSelector(ILedger.LedgerZeroAmount.selector));
        ledger.withdraw(stranger.addr, 0);
        vm.expectRevert(abi.encodeWithSelector(IStaking.StakingNothingToWithdraw.selector, stranger.addr));
        staking.withdrawStake();
        vm.expectRevert(abi.encodeWithSelector(IStaking.StakingZeroAmount.selector));
        staking.requestUnstake(0);
        vm.expectRevert(abi.encodeWithSelector(IStaking.StakingInsufficient.selector, stranger.addr, 0, 1));
        staking.requestUnstake(1);
        vm.expectRevert(abi.encodeWithSelector(ILedger.LedgerInsufficientLine.selector, stranger.addr, 0, 1));
        ledger.moveOut(stranger.addr, 1);
        vm.stopPrank();
        vm.startPrank(provider.addr);
        staking.requestUnstake(1);
        vm.expectRevert(
            abi.encodeWithSelector(IStaking.StakingTooEarly.selector, block.timestamp, block.timestamp + UNBONDING)
        );
        staking.withdrawStake();
    }
}
