// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IMarket} from "../../../contracts/interfaces/IMarket.sol";
import {Job} from "../../../contracts/types/Job.sol";
import {JobState} from "../../../contracts/types/JobState.sol";
import {Submission} from "../../../contracts/types/Submission.sol";
import {Base} from "../support/Base.sol";
import {vm} from "../support/Vm.sol";

/// @dev The account that a run keeps of its own: who there is, what was agreed, how it ended, and what broke. A call that the
/// market refuses, or that finds nothing to do, reverts: the runner counts it apart from those that did something.
abstract contract Chronicle is Base {
    error NothingToDo();

    Job[] internal _jobs;
    mapping(bytes32 jobId => uint256) private _placeOf;
    /// State in which a job ended; `None` while it is open.
    mapping(bytes32 jobId => JobState) public ended;
    mapping(bytes32 jobId => uint256) public maximumOf;
    /// Live games, as the script has them.
    mapping(bytes32 jobId => uint256) public live;
    mapping(bytes32 jobId => Submission) internal _committed;

    Person[] internal _requesters;
    Person[] internal _providers;
    uint64 internal _nonce = 1_000;

    /// What the honest provider staked, less what it took back; and what its work has earned and its stake returned.
    uint256 public honestStake;
    uint256 public honestFree;
    /// Tokens that came in, less those that left.
    uint256 public paidIn;
    /// Hashes of provenance records as they were first seen, by artifact and place.
    bytes32[] public artifacts;
    mapping(bytes32 artifact => bytes32[]) private _records;
    /// Hashes of the parameters' versions as they were first seen, from version 1 on.
    bytes32[] public versions;
    /// Said by a call that must never succeed and did, by number of the invariant.
    mapping(uint256 invariant => string) public broken;

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
        paidIn = token.balanceOf(address(market));
        versions.push(keccak256(abi.encode(parameters.paramsAt(1))));
    }

    /// @dev Once is enough: the test runner calls whatever it finds.
    function setUp() public pure override {
        revert NothingToDo();
    }

    function contracts() external view returns (IMarket) {
        return market;
    }

    function jobCount() external view returns (uint256) {
        return _jobs.length;
    }

    function jobAt(uint256 i) external view returns (Job memory) {
        return _jobs[i];
    }

    function people() public view returns (address[] memory all) {
        all = new address[](9);
        (all[0], all[1]) = (_requesters[0].addr, _requesters[1].addr);
        (all[2], all[3]) = (_providers[0].addr, _providers[1].addr);
        (all[4], all[5], all[6]) = (treasury, matcher.addr, stranger.addr);
        (all[7], all[8]) = (address(game), address(this));
    }

    function honest() external view returns (address) {
        return provider.addr;
    }

    function artifactCount() external view returns (uint256) {
        return artifacts.length;
    }

    function recordsOf(bytes32 artifact) external view returns (bytes32[] memory) {
        return _records[artifact];
    }

    function versionCount() external view returns (uint256) {
        return versions.length;
    }

    /// @dev The honest provider submits before time passes. A call that reverts afterwards undoes what it submitted, but not
    /// the passing of time: it must go `back` to `began` first.
    function elapseTo(uint256 time) internal returns (uint256 began) {
        began = block.timestamp;
        if (time <= began) return began;
        uint256 count = _jobs.length;
        for (uint256 i = 0; i < count; ++i) {
            if (_jobs[i].terms.provider != provider.addr) continue;
            if (market.stateOf(_jobs[i].terms.jobId) == JobState.Active) submitIt(_jobs[i]);
        }
        vm.warp(time);
    }

    function back(uint256 began) internal {
        vm.warp(began);
        revert NothingToDo();
    }

    function submitIt(Job memory job) internal {
        Submission memory submission = submissionOf(job, lastOf(job));
        vm.recordLogs();
        vm.prank(job.terms.provider);
        market.submit(job, submission);
        keep(lastJob(job));
    }

    /// @dev The runner likes small numbers; a choice made of several of their digits does not.
    function mixed(uint256 seed) internal view returns (uint256) {
        return uint256(keccak256(abi.encode(seed, _nonce, block.timestamp)));
    }

    /// @dev All that is nobody's escrow: what ends a job adds exactly its escrow to it.
    function outsideEscrow() internal view returns (uint256 sum) {
        address[] memory all = people();
        sum = ledger.lineOf(address(staking)) + ledger.burned();
        for (uint256 i = 0; i < all.length; ++i) sum += free(all[i]);
    }

    /// @dev A job in this state, if there is one.
    function find(uint256 pick, JobState state) internal view returns (Job memory job, bool any) {
        uint256 count = _jobs.length;
        for (uint256 i = 0; i < count; ++i) {
            uint256 place = ((pick % count) + i) % count;
            if (market.stateOf(_jobs[place].terms.jobId) == state) return (_jobs[place], true);
        }
    }

    function choose(uint256 pick, JobState state) internal view returns (Job memory) {
        (Job memory job, bool any) = find(pick, state);
        if (!any) revert NothingToDo();
        return job;
    }

    /// @dev The honest provider loses no game and signs nothing twice.
    function chooseDishonest(uint256 pick, JobState state) internal view returns (Job memory) {
        for (uint256 i = 0; i < 5; ++i) {
            Job memory job = choose(uint256(keccak256(abi.encode(pick, i))), state);
            if (job.terms.provider != provider.addr) return job;
        }
        revert NothingToDo();
    }

    function begin(Job memory job, uint256 maximum) internal {
        _placeOf[job.terms.jobId] = _jobs.length;
        _jobs.push(job);
        maximumOf[job.terms.jobId] = maximum;
    }

    function keep(Job memory job) internal {
        _jobs[_placeOf[job.terms.jobId]] = job;
    }

    /// @dev `before`: what was outside of escrow before the call that ended it.
    function close(Job memory job, JobState state, uint256 before) internal {
        bytes32 jobId = job.terms.jobId;
        if (ended[jobId] != JobState.None) broken[2] = "I2: a job ended twice";
        if (outsideEscrow() - before != escrowOf(job)) broken[2] = "I2: another amount than the escrow left";
        ended[jobId] = state;
    }

    function paid(Job memory job) internal {
        if (job.terms.provider == provider.addr) honestFree += payOf(job);
        bytes32 artifact = job.progress.modelRoot;
        uint256 count = provenance.recordCount(artifact);
        bytes32[] storage seen = _records[artifact];
        if (seen.length == 0 && count != 0) artifacts.push(artifact);
        for (uint256 i = seen.length; i < count; ++i) {
            seen.push(keccak256(abi.encode(provenance.recordAt(artifact, i))));
        }
    }

    /// @dev What is due for a result in time: the share of the units, rounded down.
    function payOf(Job memory job) private pure returns (uint256) {
        uint256 span = job.terms.steps - job.terms.startStep;
        uint256 steps = uint256(job.progress.checkpoint) * job.terms.interval;
        uint256 work = uint256(job.terms.initUnits) + uint256(job.terms.stepUnits) * span + job.terms.evalUnits;
        if (steps >= span) return job.terms.price;
        return (job.terms.price * (uint256(job.terms.initUnits) + job.terms.stepUnits * steps)) / work;
    }

    function escrowOf(Job memory job) internal pure returns (uint256) {
        return uint256(job.terms.price) + job.terms.protocolFee + job.terms.matcherFee + job.terms.auditLine;
    }

    function personOf(address account) internal view returns (Person memory) {
        for (uint256 i = 0; i < 2; ++i) {
            if (_requesters[i].addr == account) return _requesters[i];
            if (_providers[i].addr == account) return _providers[i];
        }
        return stranger;
    }
}
