// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Job} from "../../../contracts/types/Job.sol";
import {JobState} from "../../../contracts/types/JobState.sol";
import {SignOff} from "../../../contracts/types/SignOff.sol";
import {Submission} from "../../../contracts/types/Submission.sol";
import {vm} from "../support/Vm.sol";
import {Chronicle} from "./Chronicle.sol";

/// @dev Every way in which a job ends, and some in which it must not.
abstract contract Ending is Chronicle {
    function settleOne(uint256 pick) external {
        Job memory job = choose(pick, JobState.Submitted);
        uint256 began = elapseTo(mixed(pick) % 3 == 0 ? 0 : uint256(job.progress.windowEnd) + 1);
        uint256 before = outsideEscrow();
        try market.settle(job) {} catch {
            back(began);
        }
        if (live[job.terms.jobId] != 0) broken[3] = "I3: paid with a live game";
        if (block.timestamp <= job.progress.windowEnd) broken[3] = "I3: paid in an open window";
        close(job, JobState.Settled, before);
        paid(job);
    }

    function signOffOne(uint256 pick, uint256 signs) external {
        bool genuine = signs % 2 == 0;
        Job memory job = choose(pick, JobState.Submitted);
        SignOff memory signOff = SignOff(job.terms.jobId, job.progress.traceRoot);
        address signer = genuine ? job.terms.requester : job.terms.provider;
        bytes memory signature = sign(personOf(signer), market.signOffDigest(signOff));
        uint256 before = outsideEscrow();
        market.settleSignedOff(job, signOff, signature);
        if (!genuine) broken[3] = "I3: signed off by the provider";
        if (live[job.terms.jobId] != 0) broken[3] = "I3: signed off with a live game";
        close(job, JobState.Settled, before);
        paid(job);
    }

    function expireOne(uint256 pick) external {
        Job memory job = choose(pick, mixed(pick) % 3 == 0 ? JobState.Committed : JobState.Active);
        uint256 began = elapseTo(mixed(pick) % 2 == 0 ? 0 : uint256(job.terms.deadline) + 200);
        uint256 before = outsideEscrow();
        try market.expire(job) {} catch {
            back(began);
        }
        close(job, JobState.Expired, before);
    }

    function play(uint256 pick, uint256 games) external {
        Job memory job = choose(pick, JobState.Submitted);
        live[job.terms.jobId] = games % 3 == 0 ? 1 : 0;
        setStatus(job, live[job.terms.jobId], games % 5 == 0, 0, games % 7 == 0 ? 1 : 0);
    }

    function slashOne(uint256 pick, uint256 costs) external {
        Job memory job = chooseDishonest(pick, JobState.Submitted);
        uint256 before = outsideEscrow();
        game.slash(market, job, stranger.addr, within(costs, 0, 10 * ONE));
        close(job, JobState.Slashed, before);
    }

    function conflict(uint256 pick) external {
        Job memory job = chooseDishonest(pick, JobState.Active);
        Submission memory first = submissionOf(job, 1);
        Submission memory second = submissionOf(job, 1);
        second.prefixRoot = keccak256("another");
        Person memory who = personOf(job.terms.provider);
        bytes memory firstSignature = sign(who, market.submissionDigest(first));
        bytes memory secondSignature = sign(who, market.submissionDigest(second));
        uint256 before = outsideEscrow();
        market.slashConflict(job, first, firstSignature, second, secondSignature);
        close(job, JobState.Slashed, before);
    }

    function voidOne(uint256 pick) external {
        if (_jobs.length == 0 || mixed(pick) % 4 != 0) revert NothingToDo();
        Job memory job = _jobs[pick % _jobs.length];
        uint256 before = outsideEscrow();
        game.voidJob(market, job);
        close(job, JobState.Void, before);
    }

    /// I4: whatever is tried on a job that has ended.
    function prod(uint256 pick) external {
        if (_jobs.length == 0) revert NothingToDo();
        Job memory job = _jobs[pick % _jobs.length];
        if (ended[job.terms.jobId] == JobState.None) revert NothingToDo();
        try market.settle(job) {
            broken[4] = "I4: settled again";
        } catch {}
        try market.expire(job) {
            broken[4] = "I4: expired after its end";
        } catch {}
        try game.slash(market, job, stranger.addr, 0) {
            broken[4] = "I4: slashed after its end";
        } catch {}
        try game.voidJob(market, job) {
            broken[4] = "I4: voided after its end";
        } catch {}
        vm.prank(job.terms.requester);
        try market.stop(job) {
            broken[4] = "I4: stopped after its end";
        } catch {}
    }
}
