// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Merkle16} from "../libraries/Merkle16.sol";
import {Work} from "../libraries/Work.sol";
import {Job, Terms} from "../types/Job.sol";
import {JobState} from "../types/JobState.sol";
import {Params} from "../types/Params.sol";
import {Games} from "./Games.sol";
import {IClerk, Replica} from "./IClerk.sol";
import {Bindings, Level, ListRoots, Phase, Position, Target} from "./Position.sol";
import {Fault} from "./referee/Fault.sol";
import {Summary} from "./referee/IReferee.sol";
import {Words} from "./Words.sol";

/// @title Opening: how games begin
abstract contract Opening is IClerk, Games {
    bytes1 private constant TRACE = 0x05;

    mapping(bytes32 jobId => mapping(bytes32 rivalId => bool)) private _forced;

    /// @inheritdoc IClerk
    function challenge(
        Job calldata job,
        bytes32 prefixRoot,
        bytes calldata header,
        ListRoots calldata lists,
        Target target
    ) external returns (uint256 gameId) {
        _startMeter();
        _requireChallengeable(job);
        _requireTrace(job, prefixRoot);
        return _openGame(job, prefixRoot, header, lists, target, msg.sender, _bond(job));
    }

    /// @inheritdoc IClerk
    function forcePlay(
        Replica calldata defender,
        Replica calldata rival,
        bytes calldata header,
        ListRoots calldata lists
    ) external returns (uint256 gameId) {
        _requireRivals(defender, rival);
        uint256 bond = _forcedBond(defender.job, rival.job);
        gameId = _openGame(
            defender.job,
            defender.prefixRoot,
            header,
            lists,
            _difference(defender, rival),
            rival.job.terms.provider,
            bond
        );
        bytes32 rivalId = rival.job.terms.jobId;
        _rivalOf[gameId] = rivalId;
        ++_standing[rivalId].live;
        if (bond == 0) _standing[rivalId].vouches = true;
        emit PlayForced(gameId, defender.job.terms.jobId, rivalId);
    }

    /// @dev Two results that stand, of one request, which did not play yet; the caller acts for the rival.
    function _requireRivals(Replica calldata defender, Replica calldata rival) private {
        _requireChallengeable(defender.job);
        _requireTrace(defender.job, defender.prefixRoot);
        _requireRecord(rival.job, JobState.Submitted);
        _requireTrace(rival.job, rival.prefixRoot);
        (bytes32 jobId, bytes32 rivalId) = (defender.job.terms.jobId, rival.job.terms.jobId);
        if (rival.job.terms.requestDigest != defender.job.terms.requestDigest) revert DisputeWrongJob(rivalId);
        // Nobody is made a challenger unasked: its clock would run.
        _requireActor(rival.job.terms.provider);
        if (_forced[jobId][rivalId] || _forced[rivalId][jobId]) revert DisputeDone();
        _forced[jobId][rivalId] = true;
    }

    /// @dev None where a rival that loses pays the defender, out of its collateral, as much as the bond of anybody else: one defender,
    /// as a collateral is paid out once.
    function _forcedBond(Job calldata defender, Job calldata rival) private view returns (uint256) {
        Params memory params = _paramsOf(rival);
        uint256 collateral = rival.terms.collateral;
        uint256 most = collateral - Work.share(collateral, params.burnBps);
        uint256 paid = Work.share(collateral, params.rewardBps) + _priceOf(GAS_BOUND);
        uint256 bond = _bond(defender);
        bytes32 rivalId = rival.terms.jobId;
        if (_standing[rivalId].vouches || _forfeitTo[rivalId] != address(0)) return bond;
        return (paid < most ? paid : most) < bond ? bond : 0;
    }

    /// @dev The first root in which two results differ.
    function _difference(Replica calldata a, Replica calldata b) private pure returns (Target) {
        if (a.prefixRoot != b.prefixRoot) return Target.Checkpoint;
        if (a.job.progress.stateRoot != b.job.progress.stateRoot) return Target.LastState;
        if (a.job.progress.modelRoot != b.job.progress.modelRoot) return Target.Model;
        if (a.job.progress.evalRoot != b.job.progress.evalRoot) return Target.Evaluation;
        revert DisputeNothingToDispute();
    }

    function _openGame(
        Job calldata job,
        bytes32 prefixRoot,
        bytes calldata header,
        ListRoots calldata lists,
        Target target,
        address challenger,
        uint256 bond
    ) private returns (uint256 gameId) {
        Summary memory h = _programOf(job, header, lists);
        Bindings memory b = _bindings(job, h, prefixRoot, lists);
        b.header = keccak256(header);
        Position memory p;
        p.jobId = job.terms.jobId;
        p.provider = job.terms.provider;
        p.bindings = Words.hashOf(b);
        _aim(p, job, h, prefixRoot, target);

        gameId = ++_games;
        _start(gameId, job, b, challenger, bond);
        _end(gameId, p);
    }

    /// @dev What the header of the job's program counts.
    function _programOf(
        Job calldata job,
        bytes calldata header,
        ListRoots calldata lists
    ) internal view returns (Summary memory h) {
        bytes32 program = Merkle16.programRoot(header, lists.init, lists.step, lists.eval);
        if (program != job.terms.programRoot) revert DisputeMismatch(job.terms.programRoot, program);
        h = _referee.summary(header);
        if (h.fault != Fault.None) revert DisputeNothingToDispute();
    }

    /// @dev The record's trace root is the hash of this prefix and its own roots.
    function _requireTrace(Job calldata job, bytes32 prefixRoot) private pure {
        bytes32 trace = sha256(
            abi.encodePacked(
                TRACE,
                job.progress.checkpoint,
                prefixRoot,
                job.progress.stateRoot,
                job.progress.modelRoot,
                job.progress.evalRoot
            )
        );
        if (trace != job.progress.traceRoot) revert DisputeMismatch(job.progress.traceRoot, trace);
    }

    function _bindings(
        Job calldata job,
        Summary memory h,
        bytes32 prefixRoot,
        ListRoots calldata lists
    ) private pure returns (Bindings memory b) {
        Terms calldata terms = job.terms;
        b.initRoot = lists.init;
        b.stepRoot = lists.step;
        b.evalRoot = lists.eval;
        b.initOps = h.initOps;
        b.stepOps = h.stepOps;
        b.evalOps = h.evalOps;
        b.stateTensors = h.stateTensors;
        b.dataTensors = h.dataTensors;
        b.parentTensors = h.parentTensors;
        b.prefixRoot = prefixRoot;
        b.stateRoot = job.progress.stateRoot;
        b.checkpoints = job.progress.checkpoint;
        b.dataRoot = terms.dataRoot;
        b.parentRoot = terms.parentRoot;
        b.startRoot = terms.startRoot;
        b.seed = terms.seed;
        b.startStep = terms.startStep;
        b.steps = terms.steps;
        b.interval = terms.interval;
    }

    /// @dev Sets the first disputed node.
    function _aim(
        Position memory p,
        Job calldata job,
        Summary memory h,
        bytes32 prefixRoot,
        Target target
    ) private pure {
        uint256 count = job.progress.checkpoint;
        p.level = Level.Checkpoint;
        p.node = prefixRoot;
        if (target == Target.LastState) {
            p.node = job.progress.stateRoot;
            p.index = uint32(count);
            p.phase = Phase.Cross;
            return;
        }
        if (target == Target.Model) {
            p.level = Level.Model;
            p.node = job.progress.modelRoot;
            count = h.parameters;
        } else if (target == Target.Evaluation) {
            p.level = Level.Output;
            p.node = job.progress.evalRoot;
            // A prefix has no evaluation, and the market holds its root at zero.
            if (count != Work.checkpoints(job.terms)) revert DisputeNothingToDispute();
            count = h.outputs;
        }
        if (count == 0 && p.node == 0) revert DisputeNothingToDispute();
        p.count = uint32(count);
        p.height = uint8(Merkle16.depth(count));
        p.phase =
            count == 0
                ? Phase.Compare
                : p.height == 0
                    ? Phase.Cross
                    : Phase.Open;
    }
}
