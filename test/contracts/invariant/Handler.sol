// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IMarket} from "../../../contracts/interfaces/IMarket.sol";
import {Acceptance} from "../../../contracts/types/Acceptance.sol";
import {Job} from "../../../contracts/types/Job.sol";
import {JobState} from "../../../contracts/types/JobState.sol";
import {Pair} from "../../../contracts/types/Pair.sol";
import {Params} from "../../../contracts/types/Params.sol";
import {Request} from "../../../contracts/types/Request.sol";
import {SignOff} from "../../../contracts/types/SignOff.sol";
import {Submission} from "../../../contracts/types/Submission.sol";
import {Base} from "../support/Base.sol";
import {vm} from "../support/Vm.sol";

/// @dev Does anything anyone may do, in any order, and keeps its own account of what must follow. Calls that the market
/// refuses are caught, so that a run goes on.
contract Handler is Base {
    /// How often something was done, by name: a run that does nothing proves nothing.
    mapping(string action => uint256) public done;

    Job[] private _jobs;
    /// State in which a job ended; `None` while it is open.
    mapping(bytes32 jobId => JobState) public ended;
    mapping(bytes32 jobId => Submission) private _committed;
    mapping(bytes32 jobId => bytes32) public requestOf;
    mapping(bytes32 jobId => uint256) public maximumOf;
    mapping(bytes32 jobId => uint256) public live;
    /// Hashes of provenance records as they were first seen, by artifact and place.
    bytes32[] public artifacts;
    mapping(bytes32 artifact => bytes32[]) private _records;

    Person[] private _requesters;
    Person[] private _providers;
    uint64 private _nonce = 1_000;
    /// What the honest provider staked, less what it took back.
    uint256 public honestStake;
    /// Set by a call that must never succeed and did.
    string public broken;

    constructor() {
        super.setUp();
        _requesters.push(requester);
        _requesters.push(person("requester two"));
        _providers.push(provider);
        _providers.push(person("provider two"));
        for (uint256 i = 0; i < 2; ++i) {
            fund(_requesters[i].addr, 100 * ONE);
            stake(_providers[i].addr, 100 * ONE);
        }
        honestStake = staked(provider.addr);
    }

    /// @dev Once is enough: the test runner calls whatever it finds.
    function setUp() public override {}

    // Who looks

    function contracts() external view returns (IMarket) {
        return market;
    }

    function jobCount() external view returns (uint256) {
        return _jobs.length;
    }

    function jobAt(uint256 i) external view returns (Job memory) {
        return _jobs[i];
    }

    function people() external view returns (address[] memory all) {
        all = new address[](9);
        (all[0], all[1]) = (_requesters[0].addr, _requesters[1].addr);
        (all[2], all[3]) = (_providers[0].addr, _providers[1].addr);
        (all[4], all[5], all[6]) = (treasury, matcher.addr, stranger.addr);
        (all[7], all[8]) = (address(game), address(this));
    }

    function honest() external view returns (address) {
        return provider.addr;
    }

    function recordsOf(bytes32 artifact) external view returns (bytes32[] memory) {
        return _records[artifact];
    }

    // Money in and out

    function deposit(uint256 who, uint256 amount) external {
        fund(_requesters[who % 2].addr, within(amount, 1, 50 * ONE));
        ++done["deposit"];
    }

    function withdraw(uint256 who, uint256 amount) external {
        address account = who % 2 == 0 ? _requesters[0].addr : _providers[1].addr;
        uint256 most = free(account);
        if (most == 0) return;
        vm.prank(account);
        ledger.withdraw(stranger.addr, within(amount, 1, most));
        ++done["withdraw"];
    }

    function addStake(uint256 who, uint256 amount) external {
        Person memory staker = _providers[who % 2];
        amount = within(amount, 1, 20 * ONE);
        stake(staker.addr, amount);
        if (who % 2 == 0) honestStake += amount;
        ++done["stake"];
    }

    function unstake(uint256 who, uint256 amount) external {
        address account = _providers[who % 2].addr;
        (uint256 total, , uint256 leaving, ) = staking.stakeOf(account);
        if (total == leaving) return;
        vm.prank(account);
        staking.requestUnstake(within(amount, 1, total - leaving));
        ++done["unstake"];
    }

    function withdrawStake(uint256 who) external {
        address account = _providers[who % 2].addr;
        vm.prank(account);
        try staking.withdrawStake() returns (uint256 amount) {
            if (who % 2 == 0) honestStake -= amount;
            ++done["withdrawStake"];
        } catch {}
    }

    // Jobs

    function agree(uint256 seed) external {
        Request memory request = plainRequest();
        request.requester = _requesters[seed % 2].addr;
        // Sometimes a nonce that was used before.
        request.nonce = (seed >> 8) % 4 == 0 ? _nonce : ++_nonce;
        request.steps = uint32(within(seed >> 16, 1, 300));
        request.interval = uint32(within(seed >> 32, 1, 40));
        request.replicas = (seed >> 48) % 4 == 0 ? 2 : 1;
        request.auditLine = (seed >> 56) % 5 == 0 ? uint128(within(seed >> 64, 1, ONE)) : 0;
        request.statedLoss = uint128(within(seed >> 72, 0, ONE));
        request.expiry = uint40(block.timestamp + 1 hours);
        request.matcher = (seed >> 80) % 3 == 0 ? matcher.addr : address(0);
        request.matcherFee = uint128(within(seed >> 88, 0, ONE / 100));
        request.maximum = uint128(4 * ONE);
        bool plain = request.replicas == 1 && request.auditLine == 0;
        // The honest provider takes only jobs that it can finish by itself.
        uint256 which = plain ? (seed >> 96) % 2 : 1;
        (uint32 version, ) = parameters.current();
        for (uint64 i = 0; i < request.replicas; ++i) {
            Acceptance memory acceptance = plainAcceptance(request);
            acceptance.provider = _providers[which].addr;
            acceptance.unitPrice = within(seed >> 104, 1, 2 * ONE * 1e18) / UNITS + 1;
            acceptance.collateral = uint128(4 * ONE);
            acceptance.nonce = i;
            acceptance.paramsVersion = version;
            tryAgree(request, acceptance, seed, which);
        }
    }

    /// I6: without both signatures there is no job.
    function forge(uint256 seed) external {
        Request memory request = plainRequest();
        request.nonce = ++_nonce;
        Acceptance memory acceptance = plainAcceptance(request);
        (acceptance.paramsVersion, ) = parameters.current();
        Pair memory pair = pairOf(request, acceptance);
        if (seed % 3 == 0) pair.requestSignature = pair.acceptanceSignature;
        else if (seed % 3 == 1) pair.acceptanceSignature = pair.requestSignature;
        else pair.acceptance.unitPrice += 1;
        try market.agreePair(pair) {
            broken = "I6: a job without both signatures";
        } catch {
            ++done["forge"];
        }
    }

    function cancel(uint256 seed) external {
        vm.prank(_requesters[seed % 2].addr);
        market.cancelNonce(uint64(_nonce + ((seed >> 8) % 3)));
        ++done["cancel"];
    }

    function submitFull(uint256 pick) external {
        (Job memory job, bool any) = choose(pick, JobState.Active);
        if (any) trySubmit(job);
    }

    function commitOne(uint256 pick, bytes32 lie) external {
        uint256 count = _jobs.length;
        for (uint256 i = 0; i < count; ++i) {
            Job memory job = _jobs[((pick % count) + i) % count];
            bool must = job.terms.replicas > 1 || job.terms.auditLine != 0;
            if (must && market.stateOf(job.terms.jobId) == JobState.Active) return tryCommit(job, lie);
        }
    }

    function tryCommit(Job memory job, bytes32 lie) private {
        Submission memory submission = submissionOf(job, lastOf(job));
        if (uint256(lie) % 2 == 0) submission.stateRoot = keccak256(abi.encode(lie));
        bytes32 commitment = market.commitmentOf(submission, "salt");
        vm.recordLogs();
        vm.prank(job.terms.provider);
        try market.commit(job, commitment) {
            _committed[job.terms.jobId] = submission;
            keep(lastJob(job));
            ++done["commit"];
        } catch {}
    }

    function revealOne(uint256 pick) external {
        (Job memory job, bool any) = choose(pick, JobState.Committed);
        if (!any) return;
        vm.recordLogs();
        try market.reveal(job, _committed[job.terms.jobId], "salt") {
            keep(lastJob(job));
            ++done["reveal"];
        } catch {}
    }

    function stopOne(uint256 pick) external {
        (Job memory job, bool any) = choose(pick, JobState.Active);
        if (!any) return;
        vm.recordLogs();
        vm.prank(job.terms.requester);
        try market.stop(job) {
            job = lastJob(job);
            keep(job);
            ++done["stop"];
            if (pick % 3 != 0) tryReceipt(job, pick >> 8);
        } catch {}
    }

    function presentOne(uint256 pick, uint256 checkpoint) external {
        (Job memory job, bool any) = choose(pick, pick % 2 == 0 ? JobState.Active : JobState.Submitted);
        if (any) tryReceipt(job, checkpoint);
    }

    function tryReceipt(Job memory job, uint256 checkpoint) private {
        Submission memory receipt = submissionOf(job, uint32(within(checkpoint, 1, lastOf(job))));
        bytes memory signature = sign(personOf(job.terms.provider), market.submissionDigest(receipt));
        vm.recordLogs();
        try market.submitReceipt(job, receipt, signature) {
            keep(lastJob(job));
            ++done["receipt"];
        } catch {}
    }

    function settleOne(uint256 pick) external {
        (Job memory job, bool any) = choose(pick, JobState.Submitted);
        if (!any) return;
        try market.settle(job) {
            if (live[job.terms.jobId] != 0) broken = "I3: paid with a live game";
            if (block.timestamp <= job.progress.windowEnd) broken = "I3: paid in an open window";
            close(job, JobState.Settled);
            remember(job.progress.modelRoot);
            ++done["settle"];
        } catch {}
    }

    function signOffOne(uint256 pick, bool genuine) external {
        (Job memory job, bool any) = choose(pick, JobState.Submitted);
        if (!any) return;
        SignOff memory signOff = SignOff(job.terms.jobId, job.progress.traceRoot);
        address signer = genuine ? job.terms.requester : job.terms.provider;
        bytes memory signature = sign(personOf(signer), market.signOffDigest(signOff));
        try market.settleSignedOff(job, signOff, signature) {
            if (!genuine) broken = "I3: signed off by the provider";
            if (live[job.terms.jobId] != 0) broken = "I3: signed off with a live game";
            close(job, JobState.Settled);
            remember(job.progress.modelRoot);
            ++done["signOff"];
        } catch {}
    }

    function expireOne(uint256 pick) external {
        (Job memory job, bool any) = choose(pick, pick % 3 == 0 ? JobState.Committed : JobState.Active);
        if (!any) return;
        try market.expire(job) {
            close(job, JobState.Expired);
            ++done["expire"];
        } catch {}
    }

    function play(uint256 pick, uint256 games) external {
        (Job memory job, bool any) = choose(pick, JobState.Submitted);
        if (!any) return;
        live[job.terms.jobId] = games % 2;
        setStatus(job, games % 2, games % 5 == 0, 0, games % 7 == 0 ? 1 : 0);
        ++done["play"];
    }

    /// The honest provider loses no game.
    function slashOne(uint256 pick, uint256 costs) external {
        (Job memory job, bool any) = chooseDishonest(pick, JobState.Submitted);
        if (!any) return;
        try game.slash(market, job, stranger.addr, within(costs, 0, 10 * ONE)) {
            close(job, JobState.Slashed);
            ++done["slash"];
        } catch {}
    }

    function conflict(uint256 pick) external {
        (Job memory job, bool any) = chooseDishonest(pick, JobState.Active);
        if (!any) return;
        Submission memory first = submissionOf(job, 1);
        Submission memory second = submissionOf(job, 1);
        second.prefixRoot = keccak256("another");
        Person memory who = personOf(job.terms.provider);
        bytes memory firstSignature = sign(who, market.submissionDigest(first));
        bytes memory secondSignature = sign(who, market.submissionDigest(second));
        try market.slashConflict(job, first, firstSignature, second, secondSignature) {
            close(job, JobState.Slashed);
            ++done["conflict"];
        } catch {}
    }

    function voidOne(uint256 pick) external {
        if (_jobs.length == 0 || pick % 4 != 0) return;
        Job memory job = _jobs[pick % _jobs.length];
        try game.voidJob(market, job) {
            close(job, JobState.Void);
            ++done["void"];
        } catch {}
    }

    /// I4: whatever is tried on a job that has ended.
    function prod(uint256 pick) external {
        if (_jobs.length == 0) return;
        Job memory job = _jobs[pick % _jobs.length];
        if (ended[job.terms.jobId] == JobState.None) return;
        try market.settle(job) {
            broken = "I4: settled again";
        } catch {}
        try market.expire(job) {
            broken = "I4: expired after its end";
        } catch {}
        try game.slash(market, job, stranger.addr, 0) {
            broken = "I4: slashed after its end";
        } catch {}
        try game.voidJob(market, job) {
            broken = "I4: voided after its end";
        } catch {}
        ++done["prod"];
    }

    // The world

    function govern(uint256 seed) external {
        (, Params memory params) = parameters.current();
        params.protocolFeeBps = uint16(seed % 501);
        params.latenessBps = uint16((seed >> 16) % 5_001);
        params.expiryPenaltyBps = uint16((seed >> 32) % 5_001);
        params.rewardBps = uint16((seed >> 48) % 5_001);
        params.burnBps = uint16(2_500 + ((seed >> 64) % 2_501));
        params.receiptGrace = uint32(1 + ((seed >> 80) % 100));
        vm.prank(governor);
        parameters.add(params);
        ++done["govern"];
    }

    /// The honest provider submits before time passes.
    function pass(uint256 time) external {
        for (uint256 i = 0; i < _jobs.length; ++i) {
            Job memory job = _jobs[i];
            bool active = market.stateOf(job.terms.jobId) == JobState.Active;
            if (active && job.terms.provider == provider.addr) trySubmit(job);
        }
        uint256 most =
            time % 8 == 0
                ? 12 days
                : time % 2 == 0
                    ? 1_000
                    : 40;
        vm.warp(block.timestamp + within(time >> 8, 1, most));
        ++done["pass"];
    }

    // Accounts of its own

    function tryAgree(Request memory request, Acceptance memory acceptance, uint256 seed, uint256 which) private {
        Pair memory pair;
        pair.request = request;
        pair.requestSignature = sign(personOf(request.requester), market.requestDigest(request));
        pair.acceptance = acceptance;
        pair.acceptanceSignature = sign(_providers[which], market.acceptanceDigest(acceptance));
        vm.recordLogs();
        vm.prank((seed >> 240) % 2 == 0 ? matcher.addr : stranger.addr);
        try market.agreePair(pair) returns (bytes32 jobId) {
            Job memory job;
            job = lastJob(job);
            _jobs.push(job);
            requestOf[jobId] = job.terms.requestDigest;
            maximumOf[jobId] = request.maximum;
            ++done["agree"];
        } catch {}
    }

    function trySubmit(Job memory job) private {
        Submission memory submission = submissionOf(job, lastOf(job));
        vm.recordLogs();
        vm.prank(job.terms.provider);
        try market.submit(job, submission) {
            keep(lastJob(job));
            ++done["submit"];
        } catch {}
    }

    function choose(uint256 pick, JobState state) private view returns (Job memory job, bool any) {
        uint256 count = _jobs.length;
        for (uint256 i = 0; i < count; ++i) {
            job = _jobs[((pick % count) + i) % count];
            if (market.stateOf(job.terms.jobId) == state) return (job, true);
        }
        return (job, false);
    }

    function chooseDishonest(uint256 pick, JobState state) private view returns (Job memory job, bool any) {
        for (uint256 i = 0; i < 5; ++i) {
            (job, any) = choose(uint256(keccak256(abi.encode(pick, i))), state);
            if (any && job.terms.provider != provider.addr) return (job, true);
        }
        return (job, false);
    }

    function keep(Job memory job) private {
        for (uint256 i = 0; i < _jobs.length; ++i) {
            if (_jobs[i].terms.jobId == job.terms.jobId) _jobs[i] = job;
        }
    }

    function close(Job memory job, JobState state) private {
        bytes32 jobId = job.terms.jobId;
        if (ended[jobId] != JobState.None) broken = "I2: a job ended twice";
        ended[jobId] = state;
    }

    function remember(bytes32 artifact) private {
        uint256 count = provenance.recordCount(artifact);
        bytes32[] storage seen = _records[artifact];
        if (seen.length == 0 && count != 0) artifacts.push(artifact);
        for (uint256 i = seen.length; i < count; ++i) {
            seen.push(keccak256(abi.encode(provenance.recordAt(artifact, i))));
        }
    }

    function artifactCount() external view returns (uint256) {
        return artifacts.length;
    }

    function personOf(address account) private view returns (Person memory) {
        for (uint256 i = 0; i < 2; ++i) {
            if (_requesters[i].addr == account) return _requesters[i];
            if (_providers[i].addr == account) return _providers[i];
        }
        return stranger;
    }
}
