// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IVotes} from "@openzeppelin/contracts/governance/utils/IVotes.sol";

import {ILedger} from "../../../../contracts/interfaces/ILedger.sol";
import {IStaking} from "../../../../contracts/interfaces/IStaking.sol";
import {Job} from "../../../../contracts/types/Job.sol";
import {Params} from "../../../../contracts/types/Params.sol";
import {Base} from "../../support/Base.sol";
import {vm} from "../../support/Vm.sol";

contract StakingTest is Base {
    function test_Stake_MovesTheFreeBalance() external {
        fund(stranger.addr, 10);
        vm.prank(stranger.addr);
        staking.stake(7);
        assertEq(free(stranger.addr), 3, "free");
        assertEq(staked(stranger.addr), 7, "staked");
        assertEq(staking.availableOf(stranger.addr), 7, "available");
        assertEq(ledger.lineOf(address(staking)), 1_000 * ONE + 7, "line");
    }

    function test_Stake_Reverts() external {
        vm.startPrank(stranger.addr);
        vm.expectRevert(abi.encodeWithSelector(IStaking.StakingZeroAmount.selector));
        staking.stake(0);
        vm.expectRevert(abi.encodeWithSelector(ILedger.LedgerInsufficientBalance.selector, stranger.addr, 0, 1));
        staking.stake(1);
        vm.expectRevert();
        staking.stake(type(uint256).max);
    }

    function test_Unstake_BothEdgesOfTheDelay() external {
        vm.startPrank(provider.addr);
        staking.requestUnstake(400 * ONE);
        uint256 availableAt = block.timestamp + UNBONDING;
        assertEq(staking.availableOf(provider.addr), 600 * ONE, "leaving stake backs no new job");
        vm.warp(availableAt - 1);
        vm.expectRevert(abi.encodeWithSelector(IStaking.StakingTooEarly.selector, availableAt - 1, availableAt));
        staking.withdrawStake();
        vm.warp(availableAt);
        assertEq(staking.withdrawStake(), 400 * ONE, "withdrawn");
        assertEq(free(provider.addr), 400 * ONE, "free");
        assertEq(staked(provider.addr), 600 * ONE, "left");
        vm.expectRevert(abi.encodeWithSelector(IStaking.StakingNothingToWithdraw.selector, provider.addr));
        staking.withdrawStake();
    }

    function test_Unstake_AgainStartsTheDelayAnew() external {
        vm.startPrank(provider.addr);
        staking.requestUnstake(1);
        vm.warp(block.timestamp + UNBONDING - 1);
        staking.requestUnstake(1);
        vm.warp(block.timestamp + 1);
        vm.expectRevert(
            abi.encodeWithSelector(IStaking.StakingTooEarly.selector, block.timestamp, block.timestamp + UNBONDING - 1)
        );
        staking.withdrawStake();
    }

    function test_Unstake_AShorterDelayDoesNotShortenOneThatRuns() external {
        vm.prank(provider.addr);
        staking.requestUnstake(1);
        (, , , uint40 before) = staking.stakeOf(provider.addr);
        (, Params memory params) = parameters.current();
        params.unbonding = 1 days;
        vm.prank(governor);
        parameters.add(params);
        vm.prank(provider.addr);
        staking.requestUnstake(1);
        (, , , uint40 availableAt) = staking.stakeOf(provider.addr);
        assertEq(availableAt, before, "available at");
    }

    function test_Unstake_Reverts() external {
        vm.startPrank(provider.addr);
        vm.expectRevert(abi.encodeWithSelector(IStaking.StakingZeroAmount.selector));
        staking.requestUnstake(0);
        vm.expectRevert(
            abi.encodeWithSelector(IStaking.StakingInsufficient.selector, provider.addr, 1_000 * ONE, 1_000 * ONE + 1)
        );
        staking.requestUnstake(1_000 * ONE + 1);
    }

    /// A provider can ask for everything while jobs run: what backs them stays until they end.
    function test_Unstake_OfEverything_KeepsTheCollateralOfOpenJobs() external {
        Job memory job = agreed();
        vm.prank(provider.addr);
        staking.requestUnstake(1_000 * ONE);
        assertEq(staking.availableOf(provider.addr), 0, "available");
        vm.warp(block.timestamp + UNBONDING);
        vm.startPrank(provider.addr);
        assertEq(staking.withdrawStake(), 999 * ONE, "all but the collateral");
        vm.expectRevert(abi.encodeWithSelector(IStaking.StakingNothingToWithdraw.selector, provider.addr));
        staking.withdrawStake();
        vm.stopPrank();
        game.voidJob(market, job);
        vm.prank(provider.addr);
        assertEq(staking.withdrawStake(), ONE, "the collateral");
    }

    function test_Unstake_SlashedOnItsWayOut() external {
        Job memory job = submitted();
        vm.prank(provider.addr);
        staking.requestUnstake(1_000 * ONE);
        game.slash(market, job, stranger.addr, 0);
        vm.warp(block.timestamp + UNBONDING);
        vm.prank(provider.addr);
        assertEq(staking.withdrawStake(), 999 * ONE, "what is left");
    }

    function test_Reserve_KeepsStakeOutOfNewJobs() external {
        Job memory job = agreed();
        vm.prank(provider.addr);
        staking.reserve(900 * ONE);
        assertEq(staking.reservedOf(provider.addr), 900 * ONE, "reserved");
        assertEq(staking.availableOf(provider.addr), 99 * ONE, "neither locked nor reserved");
        vm.startPrank(address(market));
        vm.expectRevert(
            abi.encodeWithSelector(IStaking.StakingInsufficient.selector, provider.addr, 99 * ONE, 99 * ONE + 1)
        );
        staking.lock(provider.addr, 99 * ONE + 1);
        staking.lock(provider.addr, 99 * ONE);
        vm.stopPrank();
        vm.prank(provider.addr);
        staking.reserve(type(uint256).max);
        assertEq(staking.availableOf(provider.addr), 0, "more than there is: all of it");
        game.voidJob(market, job);
        assertEq(locked(provider.addr), 99 * ONE, "open jobs end as ever");
        vm.prank(provider.addr);
        staking.reserve(0);
        assertEq(staking.availableOf(provider.addr), 901 * ONE, "given up");
    }

    function test_Reserve_IsEachProvidersOwn_AndLeavesLikeAnyStake() external {
        vm.prank(operator.addr);
        staking.reserve(7);
        assertEq(staking.reservedOf(provider.addr), 0, "an operator reserves its own");
        vm.startPrank(provider.addr);
        vm.expectEmit(address(staking));
        emit IStaking.StakeReserved(provider.addr, 1_000 * ONE);
        staking.reserve(1_000 * ONE);
        staking.requestUnstake(1_000 * ONE);
        vm.warp(block.timestamp + UNBONDING);
        assertEq(staking.withdrawStake(), 1_000 * ONE, "withdrawn");
    }

    function test_Operators_AreEachProvidersOwnAffair() external {
        assertTrue(staking.isOperator(provider.addr, operator.addr), "allowed");
        assertTrue(!staking.isOperator(stranger.addr, operator.addr), "not for others");
        vm.prank(stranger.addr);
        staking.setOperator(operator.addr, true);
        vm.prank(provider.addr);
        staking.setOperator(operator.addr, false);
        assertTrue(!staking.isOperator(provider.addr, operator.addr), "dropped");
        assertTrue(staking.isOperator(stranger.addr, operator.addr), "the other's stays");
    }

    /// Finding F9: who votes with a provider's stake is known of any time, whatever it changed since.
    function test_OwnVotes_AreKnownOfAnyTime() external {
        uint256 first = START;
        vm.warp(first + 10);
        vm.prank(provider.addr);
        IVotes(address(staking)).delegate(stranger.addr);
        vm.warp(first + 20);
        vm.startPrank(provider.addr);
        IVotes(address(staking)).delegate(provider.addr);
        staking.requestUnstake(ONE);
        vm.stopPrank();
        vm.warp(first + 30);
        vm.startPrank(address(market));
        staking.lock(provider.addr, ONE);
        staking.slash(provider.addr, bytes32(0), ONE, stranger.addr);
        vm.stopPrank();
        vm.warp(first + 40);
        assertOwnVotes(first - 1, address(0), 0);
        assertOwnVotes(first, provider.addr, 1_000 * ONE);
        assertOwnVotes(first + 10, stranger.addr, 1_000 * ONE);
        assertOwnVotes(first + 19, stranger.addr, 1_000 * ONE);
        assertOwnVotes(first + 20, provider.addr, 999 * ONE);
        assertOwnVotes(first + 30, provider.addr, 998 * ONE);
    }

    function assertOwnVotes(uint256 time, address by, uint256 amount) private view {
        (address voter, uint256 votes) = staking.ownVotesAt(provider.addr, time);
        assertEq(voter, by, "voter");
        assertEq(votes, amount, "votes");
    }

    function test_OnlyTheMarketLocksFreesAndSlashes() external {
        bytes memory why = abi.encodeWithSelector(IStaking.StakingNotMarket.selector, governor);
        vm.startPrank(governor);
        vm.expectRevert(why);
        staking.lock(provider.addr, 1);
        vm.expectRevert(why);
        staking.free(provider.addr, 1);
        vm.expectRevert(why);
        staking.slash(provider.addr, bytes32(0), 1, governor);
    }

    /// I5 in small: what the market locks it can always free or slash, never more.
    function test_TheMarketCannotGoBeyondWhatIsLocked() external {
        vm.startPrank(address(market));
        vm.expectRevert(
            abi.encodeWithSelector(IStaking.StakingInsufficient.selector, provider.addr, 1_000 * ONE, 1_000 * ONE + 1)
        );
        staking.lock(provider.addr, 1_000 * ONE + 1);
        staking.lock(provider.addr, 10);
        vm.expectRevert();
        staking.free(provider.addr, 11);
        vm.expectRevert();
        staking.slash(provider.addr, bytes32(0), 11, stranger.addr);
        staking.slash(provider.addr, bytes32(0), 10, stranger.addr);
        assertEq(free(stranger.addr), 10, "slashed");
    }
}
