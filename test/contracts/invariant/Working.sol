// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Job} from "../../../contracts/types/Job.sol";
import {JobState} from "../../../contracts/types/JobState.sol";
import {Submission} from "../../../contracts/types/Submission.sol";
import {vm} from "../support/Vm.sol";
import {Chronicle} from "./Chronicle.sol";

/// @dev Results, commitments, stops and receipts.
abstract contract Working is Chronicle {
    function submitFull(uint256 pick) external {
        submitIt(choose(pick, JobState.Active));
    }

    function submitByCarrier(uint256 pick) external {
        Job memory job = choose(pick, JobState.Active);
        Submission memory submission = submissionOf(job, lastOf(job));
        bytes memory signature = sign(personOf(job.terms.provider), market.submissionDigest(submission));
        vm.recordLogs();
        market.submitSigned(job, submission, signature);
        keep(lastJob(job));
    }

    function commitOne(uint256 pick, bytes32 lie) external {
        for (uint256 i = 0; i < 5; ++i) {
            Job memory job = choose(uint256(keccak256(abi.encode(pick, i))), JobState.Active);
            if (mustCommit(job)) return commitIt(job, lie);
        }
        revert NothingToDo();
    }

    function revealOne(uint256 pick) external {
        Job memory job = choose(pick, JobState.Committed);
        uint256 began = elapseTo(mixed(pick) % 2 == 0 ? 0 : uint256(job.terms.deadline) + 1);
        vm.recordLogs();
        try market.reveal(job, _committed[job.terms.jobId], "salt") {
            keep(lastJob(job));
        } catch {
            back(began);
        }
    }

    function stopOne(uint256 pick) external {
        Job memory job = choose(pick, JobState.Active);
        vm.recordLogs();
        vm.prank(job.terms.requester);
        market.stop(job);
        job = lastJob(job);
        keep(job);
        if (mixed(pick) % 3 != 0) presentIt(job, mixed(pick) >> 8);
    }

    function presentOne(uint256 pick, uint256 checkpoint) external {
        Job memory job = choose(pick, mixed(pick) % 2 == 0 ? JobState.Submitted : JobState.Active);
        // Half of the time when it is due: late, and within the grace time.
        bool later = mixed(checkpoint) % 2 == 0 && job.terms.provider != provider.addr;
        uint256 began = later ? elapseTo(uint256(job.terms.deadline) + 1) : block.timestamp;
        if (!presentIt(job, checkpoint)) back(began);
    }

    function showOne(uint256 pick, uint256 checkpoint) external {
        Job memory job = choose(pick, JobState.Active);
        (Submission memory receipt, bytes memory signature) = receiptOf(job, checkpoint);
        market.showReceipt(job.terms.provider, receipt, signature);
    }

    function pass(uint256 time) external {
        uint256 seed = mixed(time);
        uint256 most =
            seed % 8 == 0
                ? 12 days
                : seed % 2 == 0
                    ? 1_000
                    : 40;
        elapseTo(block.timestamp + within(seed >> 8, 1, most));
    }

    function presentIt(Job memory job, uint256 checkpoint) private returns (bool) {
        (Submission memory receipt, bytes memory signature) = receiptOf(job, checkpoint);
        vm.recordLogs();
        try market.submitReceipt(job, receipt, signature) {
            keep(lastJob(job));
            return true;
        } catch {
            return false;
        }
    }

    function commitIt(Job memory job, bytes32 lie) private {
        Submission memory submission = submissionOf(job, lastOf(job));
        if (uint256(lie) % 2 == 0) submission.stateRoot = keccak256(abi.encode(lie));
        bytes32 commitment = market.commitmentOf(submission, "salt");
        vm.recordLogs();
        vm.prank(job.terms.provider);
        market.commit(job, commitment);
        _committed[job.terms.jobId] = submission;
        Job memory committed = lastJob(job);
        keep(committed);
        // The scripted game resolves a draw at once, and draws nobody.
        if (committed.terms.disputes == address(game)) game.noteDraw(market, committed, 1);
    }

    function mustCommit(Job memory job) private pure returns (bool) {
        return job.terms.replicas > 1 || job.terms.auditLine != 0;
    }

    function receiptOf(Job memory job, uint256 checkpoint) private view returns (Submission memory, bytes memory) {
        Submission memory receipt = submissionOf(job, uint32(within(checkpoint, 1, lastOf(job))));
        return (receipt, sign(personOf(job.terms.provider), market.submissionDigest(receipt)));
    }
}
