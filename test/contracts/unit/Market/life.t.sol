// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IMarketBase} from "../../../../contracts/interfaces/IMarketBase.sol";
import {Job} from "../../../../contracts/types/Job.sol";
import {JobState} from "../../../../contracts/types/JobState.sol";
import {Request} from "../../../../contracts/types/Request.sol";
import {SignOff} from "../../../../contracts/types/SignOff.sol";
import {Submission} from "../../../../contracts/types/Submission.sol";
import {Base} from "../../support/Base.sol";
import {vm} from "../../support/Vm.sol";

/// @dev The life table as a whole: what no row of it allows is refused, from every state.
contract LifeTest is Base {
    enum Move {
        Submit,
        SubmitSigned,
        Commit,
        Reveal,
        Stop,
        SubmitReceipt,
        Settle,
        SettleSignedOff,
        Expire,
        Slash,
        SlashConflict,
        VoidJob
    }

    uint256 internal constant MOVES = uint256(type(Move).max) + 1;

    function test_EveryForbiddenMove_IsRefusedByTheState() external {
        uint256 refused = 0;
        for (uint256 s = 0; s <= uint256(type(JobState).max); ++s) {
            JobState state = JobState(s);
            Job memory job = jobIn(state);
            assertEq(uint256(market.stateOf(job.terms.jobId)), s, "state");
            for (uint256 m = 0; m < MOVES; ++m) {
                if (isInTable(state, Move(m))) continue;
                bytes memory why = abi.encodeWithSelector(
                    IMarketBase.MarketWrongState.selector,
                    job.terms.jobId,
                    state
                );
                attempt(job, Move(m), why);
                ++refused;
            }
            assertEq(uint256(market.stateOf(job.terms.jobId)), s, "state afterwards");
        }
        assertEq(refused, 8 * MOVES - 18, "all but the rows of the table");
    }

    function test_EveryMove_IsRefusedWithARecordThatIsNotTheOneStored() external {
        Job memory job = submitted();
        job.terms.collateral += 1;
        bytes memory why = abi.encodeWithSelector(IMarketBase.MarketWrongRecord.selector, job.terms.jobId);
        for (uint256 m = 0; m < MOVES; ++m) attempt(job, Move(m), why);
    }

    /// @dev The rows of the life table; some moves are refused all the same, for their time or their kind of job.
    function isInTable(JobState state, Move move) private pure returns (bool) {
        if (state == JobState.Active) {
            return
                move == Move.Submit ||
                move == Move.SubmitSigned ||
                move == Move.Commit ||
                move == Move.Stop ||
                move == Move.SubmitReceipt ||
                move == Move.Expire ||
                move == Move.SlashConflict ||
                move == Move.VoidJob;
        }
        if (state == JobState.Committed) {
            return move == Move.Reveal || move == Move.Expire || move == Move.SlashConflict || move == Move.VoidJob;
        }
        return
            state == JobState.Submitted &&
            (move == Move.SubmitReceipt ||
                move == Move.Settle ||
                move == Move.SettleSignedOff ||
                move == Move.Slash ||
                move == Move.SlashConflict ||
                move == Move.VoidJob);
    }

    function jobIn(JobState state) private returns (Job memory job) {
        Request memory request = plainRequest();
        request.nonce = 100 + uint64(state);
        if (state == JobState.Committed) request.auditLine = 1;
        job = agree(pairOf(request));
        if (state == JobState.None) job.terms.jobId = keccak256("no such job");
        else if (state == JobState.Committed) job = commit(job, submissionOf(job, 10), "salt");
        else if (state == JobState.Void) game.voidJob(market, job);
        else if (state == JobState.Expired) {
            vm.warp(uint256(job.terms.deadline) + GRACE + 1);
            market.expire(job);
        } else if (state != JobState.Active) {
            job = submit(job, submissionOf(job, 10));
            if (state == JobState.Slashed) game.slash(market, job, stranger.addr, 0);
            if (state != JobState.Settled) return job;
            vm.warp(uint256(job.progress.windowEnd) + 1);
            market.settle(job);
        }
    }

    function attempt(Job memory job, Move move, bytes memory why) private {
        Submission memory one = submissionOf(job, 10);
        Submission memory other = submissionOf(job, 10);
        other.stateRoot = keccak256("another");
        bytes memory first = sign(provider, market.submissionDigest(one));
        bytes memory second = sign(provider, market.submissionDigest(other));
        SignOff memory signOff = SignOff(job.terms.jobId, job.progress.traceRoot);
        bytes memory content = sign(requester, market.signOffDigest(signOff));

        if (move == Move.Submit || move == Move.Commit) vm.startPrank(provider.addr);
        if (move == Move.Stop) vm.startPrank(requester.addr);
        vm.expectRevert(why);
        if (move == Move.Submit) market.submit(job, one);
        else if (move == Move.SubmitSigned) market.submitSigned(job, one, first);
        else if (move == Move.Commit) market.commit(job, "commitment");
        else if (move == Move.Reveal) market.reveal(job, one, "salt");
        else if (move == Move.Stop) market.stop(job);
        else if (move == Move.SubmitReceipt) market.submitReceipt(job, one, first);
        else if (move == Move.Settle) market.settle(job);
        else if (move == Move.SettleSignedOff) market.settleSignedOff(job, signOff, content);
        else if (move == Move.Expire) market.expire(job);
        else if (move == Move.Slash) game.slash(market, job, stranger.addr, 0);
        else if (move == Move.SlashConflict) market.slashConflict(job, one, first, other, second);
        else game.voidJob(market, job);
        vm.stopPrank();
    }
}
