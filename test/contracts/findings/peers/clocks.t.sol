// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IMarketBase} from "../../../../contracts/interfaces/IMarketBase.sol";
import {Job} from "../../../../contracts/types/Job.sol";
import {JobState} from "../../../../contracts/types/JobState.sol";
import {Request} from "../../../../contracts/types/Request.sol";
import {Submission} from "../../../../contracts/types/Submission.sol";
import {Base} from "../../support/Base.sol";
import {vm} from "../../support/Vm.sol";

/// @dev Peers' mistakes with time: each test is named after one.
contract PeersClocks is Base {
    /// Timeout functions that revert because names differ between interface and implementation: every way out that time
    /// opens is taken here, through the interface, on the code that is deployed.
    function test_TimeoutFunctionsWhoseNamesDiffer() external {
        Job memory job = agree(pairOf(numbered(1, 0)));
        Job memory prefix = agree(pairOf(numbered(2, 0)));
        Job memory silent = agree(pairOf(numbered(3, 1)));
        Job memory shown = agree(pairOf(numbered(4, 1)));
        silent = commit(silent, submissionOf(silent, 10), "salt");
        shown = commit(shown, submissionOf(shown, 10), "salt");
        vm.prank(provider.addr);
        staking.requestUnstake(1);
        vm.prank(guardian);
        parameters.pause(uint40(block.timestamp + 1));

        shown = reveal(shown, submissionOf(shown, 10), "salt");
        vm.warp(uint256(prefix.terms.deadline) + 1);
        agree(pairOf(numbered(5, 0)));
        prefix = present(prefix, submissionOf(prefix, 3));
        vm.warp(uint256(job.terms.deadline) + GRACE + 1);
        market.expire(job);
        market.expire(silent);
        vm.warp(uint256(prefix.progress.windowEnd) + 1);
        market.settle(prefix);
        market.settle(shown);
        vm.warp(block.timestamp + UNBONDING);
        vm.prank(provider.addr);
        staking.withdrawStake();

        assertState(job, JobState.Expired);
        assertState(silent, JobState.Expired);
        assertState(prefix, JobState.Settled);
        assertState(shown, JobState.Settled);
        uint256 paid = (ONE * 4_000) / UNITS;
        paid -= (paid * 2_000) / 10_000;
        assertEq(free(provider.addr), paid + ONE + 1, "prefix less lateness, result, stake");
    }

    /// The wrong clock for a timeout: blocks may be many or few, and only the time in them counts.
    function test_TheWrongClockForATimeout() external {
        Job memory silent = agree(pairOf(numbered(1, 0)));
        Job memory done = agree(pairOf(numbered(2, 0)));
        done = submit(done, submissionOf(done, 10));
        uint256 start = block.timestamp;
        vm.roll(block.number + 10_000_000);
        vm.expectRevert(
            abi.encodeWithSelector(
                IMarketBase.MarketTooEarly.selector,
                start,
                uint256(silent.terms.deadline) + GRACE + 1
            )
        );
        market.expire(silent);
        vm.expectRevert(
            abi.encodeWithSelector(IMarketBase.MarketTooEarly.selector, start, uint256(done.progress.windowEnd) + 1)
        );
        market.settle(done);

        // And each timeout counts from its own beginning: the window from the submission, the grace from the deadline.
        vm.warp(uint256(silent.terms.deadline) + GRACE + 1);
        market.expire(silent);
        vm.warp(uint256(done.progress.windowEnd));
        assertEq(block.timestamp, start + WINDOW, "window");
        vm.expectRevert(
            abi.encodeWithSelector(IMarketBase.MarketTooEarly.selector, block.timestamp, block.timestamp + 1)
        );
        market.settle(done);
        vm.warp(block.timestamp + 1);
        market.settle(done);
    }

    /// Stake stuck after a stuck task: whoever vanishes, anyone can end the job, and all other stake leaves meanwhile.
    function test_StakeStuckAfterAStuckTask() external {
        Job memory idle = agree(pairOf(numbered(1, 0)));
        Job memory committed = agree(pairOf(numbered(2, 1)));
        Job memory stopped = agree(pairOf(numbered(3, 0)));
        Job memory forgotten = agree(pairOf(numbered(4, 0)));
        committed = commit(committed, submissionOf(committed, 10), "salt");
        stopped = stop(stopped);
        forgotten = submit(forgotten, submissionOf(forgotten, 10));
        vm.prank(provider.addr);
        staking.requestUnstake(1_000 * ONE);
        vm.warp(block.timestamp + UNBONDING);
        vm.prank(provider.addr);
        assertEq(staking.withdrawStake(), 996 * ONE, "all that backs nothing");

        vm.startPrank(stranger.addr);
        market.expire(idle);
        market.expire(committed);
        market.expire(stopped);
        market.settle(forgotten);
        vm.stopPrank();
        assertEq(locked(provider.addr), 0, "nothing is locked");
        uint256 penalties = ONE / 10 + ONE / 5;
        vm.prank(provider.addr);
        assertEq(staking.withdrawStake(), 4 * ONE - penalties, "the rest");
    }

    function numbered(uint64 nonce, uint128 auditLine) private view returns (Request memory request) {
        request = plainRequest();
        request.nonce = nonce;
        request.auditLine = auditLine;
    }
}
