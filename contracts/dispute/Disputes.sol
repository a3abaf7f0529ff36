// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Address} from "@openzeppelin/contracts/utils/Address.sol";

import {IDisputes} from "../interfaces/IDisputes.sol";
import {IMainPath} from "../interfaces/IMainPath.sol";
import {IMarket} from "../interfaces/IMarket.sol";
import {ISidePaths} from "../interfaces/ISidePaths.sol";
import {Merkle16} from "../libraries/Merkle16.sol";
import {Work} from "../libraries/Work.sol";
import {Job, Terms} from "../types/Job.sol";
import {JobState} from "../types/JobState.sol";
import {Params} from "../types/Params.sol";
import {Games} from "./Games.sol";
import {IDisputeGame} from "./IDisputeGame.sol";
import {IProgramFaults} from "./IProgramFaults.sol";
import {IProofs} from "./IProofs.sol";
import {Judgement} from "./Judgement.sol";
import {Bindings, Level, ListRoots, Phase, Position, Target} from "./Position.sol";
import {Fault} from "./referee/Fault.sol";
import {IReferee, Summary} from "./referee/IReferee.sol";
import {Words} from "./Words.sol";

/// @title Disputes
/// @dev Documented in {IDisputeGame}: how games begin and end.
contract Disputes is Judgement {
    bytes1 private constant TRACE = 0x05;

    constructor(
        IMarket market,
        IReferee referee,
        IProgramFaults faults,
        IProofs proofs
    ) Games(market, referee, faults, proofs) {}

    /// @inheritdoc IDisputeGame
    function challenge(
        Job calldata job,
        bytes32 prefixRoot,
        bytes calldata header,
        ListRoots calldata lists,
        Target target
    ) external returns (uint256 gameId) {
        _requireStanding(job, prefixRoot);
        bytes32 program = Merkle16.programRoot(header, lists.init, lists.step, lists.eval);
        if (program != job.terms.programRoot) revert DisputeMismatch(job.terms.programRoot, program);
        Summary memory h = _referee.summary(header);
        if (h.fault != Fault.None) revert DisputeNothingToDispute();

        Bindings memory b = _bindings(job, h, prefixRoot, lists);
        b.header = keccak256(header);
        Position memory p;
        p.jobId = job.terms.jobId;
        p.provider = job.terms.provider;
        p.bindings = Words.hashOf(b);
        _aim(p, job, h, prefixRoot, target);

        gameId = ++_games;
        _start(gameId, job, b);
        _end(gameId, p);
    }

    /// @inheritdoc IDisputeGame
    function compare(uint256 gameId, Position calldata p, Bindings calldata b, Job calldata job) external {
        _shown(gameId, p);
        _requireBindings(p, b);
        bytes32 wanted = 0;
        if (p.phase == Phase.Cross && p.level == Level.Checkpoint && p.index == 0 && b.startRoot != 0) {
            wanted = b.startRoot;
        } else if (p.phase != Phase.Compare) {
            revert DisputeWrongPhase(gameId, p.phase);
        }
        if (p.node == wanted) _challengerLoses(gameId, p, true);
        else _providerLoses(gameId, p, job);
    }

    /// @inheritdoc IDisputeGame
    function timeoutProvider(uint256 gameId, Position calldata p, Job calldata job) external {
        Game storage game = _shown(gameId, p);
        if (_isChallengers(p.phase) || p.phase == Phase.Compare) revert DisputeWrongPhase(gameId, p.phase);
        uint256 until = uint256(game.movedAt) + game.providerLeft;
        if (block.timestamp <= until) revert DisputeClockRunning(gameId, until);
        _providerLoses(gameId, p, job);
    }

    /// @inheritdoc IDisputeGame
    function timeoutChallenger(uint256 gameId, Position calldata p) external {
        Game storage game = _shown(gameId, p);
        if (!_isChallengers(p.phase)) revert DisputeWrongPhase(gameId, p.phase);
        uint256 until = uint256(game.movedAt) + game.challengerLeft;
        if (block.timestamp <= until) revert DisputeClockRunning(gameId, until);
        _challengerLoses(gameId, p, false);
    }

    /// @inheritdoc IDisputeGame
    function withdrawBond(uint256 gameId, Position calldata p) external {
        Game storage game = _shown(gameId, p);
        JobState state = _market.stateOf(p.jobId);
        if (state != JobState.Slashed && state != JobState.Void) revert DisputeJobNotOver(p.jobId);
        (address challenger, uint256 bond) = (game.challenger, game.bond);
        _close(gameId, p);
        emit BondReturned(gameId, p.jobId, challenger);
        if (bond != 0) _ledger.moveOut(challenger, bond);
    }

    /// @inheritdoc IDisputeGame
    function voidFaulty(Job calldata job, bytes calldata evidence) external {
        (bytes32 program, bytes32 data) = (job.terms.programRoot, job.terms.dataRoot);
        if (evidence.length < 64 || bytes32(evidence) != program || bytes32(evidence[32:]) != data) {
            revert DisputeNoFault();
        }
        bytes memory answer = Address.functionStaticCall(
            address(_faults),
            bytes.concat(IProgramFaults.isAtFault.selector, evidence)
        );
        if (!abi.decode(answer, (bool))) revert DisputeNoFault();
        _callMarket(ISidePaths.voidJob.selector, job, "");
    }

    /// @inheritdoc IDisputeGame
    function noteLostChallenge(Job calldata job) external {
        address requester = job.terms.requester;
        if (_lost[job.terms.jobId][requester] == 0) revert DisputeNothingToDispute();
        --_lost[job.terms.jobId][requester];
        _callMarket(ISidePaths.noteLostChallenge.selector, job, abi.encode(requester));
    }

    /// @inheritdoc IDisputes
    function statusOf(
        bytes32 jobId
    ) external view returns (uint256 liveGames, bool won, uint40 auditUntil, uint256 auditors) {
        Standing storage standing = _standing[jobId];
        return (standing.live, standing.won, 0, 0);
    }

    /// @inheritdoc IDisputeGame
    function gameOf(
        uint256 gameId
    )
        external
        view
        returns (
            bytes32 position,
            address challenger,
            uint256 bond,
            uint256 movedAt,
            uint256 providerLeft,
            uint256 challengerLeft
        )
    {
        Game storage game = _game[gameId];
        return (game.position, game.challenger, game.bond, game.movedAt, game.providerLeft, game.challengerLeft);
    }

    /// @inheritdoc IDisputeGame
    function bondOf(Job calldata job) public view returns (uint256) {
        return _paramsOf(job).challengeBond * (uint256(_standing[job.terms.jobId].live) + 1);
    }

    function _paramsOf(Job calldata job) private view returns (Params memory) {
        return _parameters.paramsAt(job.terms.paramsVersion);
    }

    /// @dev The record is the market's, its submission stands, names this game and has this `prefixRoot`.
    function _requireStanding(Job calldata job, bytes32 prefixRoot) private {
        bytes32 jobId = job.terms.jobId;
        if (
            job.terms.disputes != address(this) ||
            _market.stateOf(jobId) != JobState.Submitted ||
            !abi.decode(_callMarket(IMainPath.isRecord.selector, job, ""), (bool))
        ) revert DisputeWrongJob(jobId);
        (uint256 from, uint256 until) = (job.progress.submittedAt, job.progress.windowEnd);
        if (block.timestamp < from || block.timestamp > until) {
            revert DisputeOutsideWindow(block.timestamp, from, until);
        }
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

    /// @dev Takes the bond and sets the clocks: each side's own, and the time of running an interval again, which a provider needs
    /// once for each of its live games.
    function _start(uint256 gameId, Job calldata job, Bindings memory b) private {
        Terms calldata terms = job.terms;
        Params memory params = _paramsOf(job);
        uint256 bond = bondOf(job);
        ++_standing[terms.jobId].live;
        uint256 live = ++_liveOf[terms.provider];
        uint256 rerun =
            ((uint256(terms.deadline) - terms.agreedAt) * terms.interval) / (terms.steps - terms.startStep) + 1;
        Game storage game = _game[gameId];
        game.challenger = msg.sender;
        game.movedAt = uint40(block.timestamp);
        game.providerLeft = _clock(params.disputeClock + live * rerun);
        game.challengerLeft = _clock(params.disputeClock + rerun);
        game.bond = bond;
        emit Challenged(gameId, terms.jobId, msg.sender, bond, b);
        if (bond != 0) _ledger.moveIn(msg.sender, bond);
    }

    function _clock(uint256 seconds_) private pure returns (uint24) {
        return seconds_ < type(uint24).max ? uint24(seconds_) : type(uint24).max;
    }
}
