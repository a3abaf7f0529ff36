// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IReputation} from "../../../../contracts/interfaces/IReputation.sol";
import {Base} from "../../support/Base.sol";
import {vm} from "../../support/Vm.sol";

contract ReputationTest is Base {
    uint256 internal constant HALF_LIFE = 90 days;

    function test_EachFactHasItsCounter() external {
        for (uint256 i = 0; i < 6; ++i) record(IReputation.Fact(i), 100 + i);
        IReputation.Standing memory standing = reputation.standingOf(provider.addr);
        assertEq(standing.completed, 100, "completed");
        assertEq(standing.late, 101, "late");
        assertEq(standing.expired, 102, "expired");
        assertEq(standing.slashed, 103, "slashed");
        assertEq(standing.stopped, 104, "stopped");
        assertEq(standing.challengesLost, 105, "challenges lost");
        assertEq(standing.updatedAt, block.timestamp, "updated");
    }

    function test_CountersStopAtTheirGreatestValue() external {
        record(IReputation.Fact.Late, type(uint32).max - 1);
        record(IReputation.Fact.Late, 5);
        record(IReputation.Fact.Completed, type(uint256).max);
        IReputation.Standing memory standing = reputation.standingOf(provider.addr);
        assertEq(standing.late, type(uint32).max, "late");
        assertEq(standing.completed, type(uint32).max, "completed");
        assertEq(standing.expired, 0, "the neighbour");
    }

    function test_TokensOfManyDecimalsAreScaled() external {
        reputation = IReputation(create("Reputation", abi.encode(address(this), uint8(18))));
        reputation.record(provider.addr, IReputation.Fact.Completed, 3e18);
        assertEq(reputation.standingOf(provider.addr).completed, 3e6, "millionths of a token");
        reputation = IReputation(create("Reputation", abi.encode(address(this), uint8(2))));
        reputation.record(provider.addr, IReputation.Fact.Completed, 300);
        assertEq(reputation.standingOf(provider.addr).completed, 300, "no finer than the token");
    }

    function test_RevertWhen_AnyoneElseRecords() external {
        vm.expectRevert(abi.encodeWithSelector(IReputation.ReputationNotMarket.selector, governor));
        vm.prank(governor);
        reputation.record(governor, IReputation.Fact.Completed, 1);
    }

    function test_ItHalvesAtEachHalfLife() external {
        record(IReputation.Fact.Completed, 1_000_000);
        record(IReputation.Fact.Slashed, 1_000_000);
        for (uint256 i = 1; i < 20; ++i) {
            vm.warp(START + i * HALF_LIFE);
            assertEq(reputation.standingOf(provider.addr).completed, 1_000_000 >> i, "completed");
        }
        vm.warp(START + HALF_LIFE / 2);
        assertEq(reputation.standingOf(provider.addr).completed, 707_106, "by the root of two in half the time");
        vm.warp(START + 32 * HALF_LIFE - 1);
        assertEq(reputation.standingOf(provider.addr).slashed, 1, "bad facts round up");
        vm.warp(START + 32 * HALF_LIFE);
        assertEq(reputation.standingOf(provider.addr).slashed, 0, "forgotten in the end");
    }

    /// Many small jobs must not wash a slash away.
    function test_WritingOftenWashesNothingAway() external {
        record(IReputation.Fact.Slashed, 1_000);
        for (uint256 i = 0; i < 500; ++i) {
            vm.warp(block.timestamp + 1);
            record(IReputation.Fact.Completed, 0);
        }
        assertEq(reputation.standingOf(provider.addr).slashed, 1_000, "slashed");
    }

    /// Nor must they keep one alive: writing every five minutes leaves what one look at the end does.
    function test_WritingOftenKeepsNothingAlive() external {
        record(IReputation.Fact.Slashed, 40_000);
        record(IReputation.Fact.Late, 40_000);
        for (uint256 i = 0; i < 2_160; ++i) {
            vm.warp(block.timestamp + 300);
            record(IReputation.Fact.Completed, 0);
        }
        IReputation.Standing memory standing = reputation.standingOf(provider.addr);
        assertLe(37_901, standing.slashed, "seven days");
        assertLe(standing.slashed, 37_901 + 7, "each rounded up");
        assertEq(standing.updatedAt, START + 7 days, "half a day is left for later");
    }

    function testFuzz_ItNeverRises(uint32 weight, uint32 early, uint32 later) external {
        record(IReputation.Fact.Completed, weight);
        record(IReputation.Fact.Expired, weight);
        vm.warp(START + early);
        IReputation.Standing memory before = reputation.standingOf(provider.addr);
        vm.warp(START + early + uint256(later));
        IReputation.Standing memory afterwards = reputation.standingOf(provider.addr);
        assertLe(afterwards.completed, before.completed, "completed");
        assertLe(afterwards.expired, before.expired, "expired");
        assertLe(afterwards.completed, afterwards.expired, "good rounds down, bad up");
        assertLe(afterwards.expired, uint256(afterwards.completed) + 1, "by one at most");
    }

    function test_TheScoreIsTheShareOfCompletedJobs() external {
        assertEq(reputation.scoreOf(provider.addr), 5_000, "no history");
        record(IReputation.Fact.Completed, 300);
        assertEq(reputation.scoreOf(provider.addr), 10_000, "all good");
        record(IReputation.Fact.Expired, 100);
        assertEq(reputation.scoreOf(provider.addr), 7_500, "three in four");
        record(IReputation.Fact.Stopped, 400);
        record(IReputation.Fact.ChallengeLost, 400);
        assertEq(reputation.scoreOf(provider.addr), 7_500, "what a requester does is not about providing");
    }

    function record(IReputation.Fact fact, uint256 weight) private {
        vm.prank(address(market));
        reputation.record(provider.addr, fact, weight);
    }
}
