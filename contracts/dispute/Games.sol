// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Address} from "@openzeppelin/contracts/utils/Address.sol";

import {ILedger} from "../interfaces/ILedger.sol";
import {IMarket} from "../interfaces/IMarket.sol";
import {IParameters} from "../interfaces/IParameters.sol";
import {ISidePaths} from "../interfaces/ISidePaths.sol";
import {IStaking} from "../interfaces/IStaking.sol";
import {Merkle16} from "../libraries/Merkle16.sol";
import {Raw} from "../libraries/Raw.sol";
import {Job} from "../types/Job.sol";
import {JobState} from "../types/JobState.sol";
import {IDisputeGame} from "./IDisputeGame.sol";
import {IProgramFaults} from "./IProgramFaults.sol";
import {IProofs} from "./IProofs.sol";
import {Bindings, Level, Phase, Position} from "./Position.sol";
import {IReferee} from "./referee/IReferee.sol";
import {Words} from "./Words.sol";

/// @title Games: whose turn, whose clock, whose money
/// @dev What every move does before and after its own check.
abstract contract Games is IDisputeGame {
    struct Game {
        bytes32 position;
        address challenger;
        uint40 movedAt;
        uint24 providerLeft;
        uint24 challengerLeft;
        uint256 bond;
    }

    struct Standing {
        uint64 live;
        bool won;
    }

    /// In `point`: the entry after the tree.
    uint256 internal constant LAST = 16;
    uint256 private constant SIZE = 30 * 32;

    IMarket internal immutable _market;
    ILedger internal immutable _ledger;
    IStaking internal immutable _staking;
    IParameters internal immutable _parameters;
    IReferee internal immutable _referee;
    IProgramFaults internal immutable _faults;
    IProofs internal immutable _proofs;

    uint256 internal _games;
    mapping(uint256 gameId => Game) internal _game;
    mapping(bytes32 jobId => Standing) internal _standing;
    mapping(address provider => uint256) internal _liveOf;
    /// @dev Games lost by a challenger; of the requester, those that are not on its record yet.
    mapping(bytes32 jobId => mapping(address challenger => uint256)) internal _lost;

    constructor(IMarket market, IReferee referee, IProgramFaults faults, IProofs proofs) {
        _market = market;
        _ledger = ILedger(address(market));
        _staking = IStaking(market.staking());
        _parameters = IParameters(market.parameters());
        _referee = referee;
        _faults = faults;
        _proofs = proofs;
    }

    /// @dev Checks position, phase, turn and clock of a move, and gives the position to change.
    function _begin(uint256 gameId, Position calldata p, Phase phase) internal returns (Position memory next) {
        Game storage game = _shown(gameId, p);
        if (p.phase != phase) revert DisputeWrongPhase(gameId, p.phase);
        uint256 elapsed = block.timestamp - game.movedAt;
        if (_isChallengers(phase)) {
            if (msg.sender != game.challenger) revert DisputeNotYourTurn(msg.sender);
            if (elapsed > game.challengerLeft) revert DisputeClockOver(gameId);
            game.challengerLeft -= uint24(elapsed);
        } else {
            if (msg.sender != p.provider && !_staking.isOperator(p.provider, msg.sender)) {
                revert DisputeNotYourTurn(msg.sender);
            }
            if (elapsed > game.providerLeft) revert DisputeClockOver(gameId);
            game.providerLeft -= uint24(elapsed);
        }
        game.movedAt = uint40(block.timestamp);
        return Words.copy(p);
    }

    function _end(uint256 gameId, Position memory next) internal {
        _game[gameId].position = Words.hashOf(next);
        // `emit Moved(gameId, next)` without encoding again what is words already.
        bytes32 topic = Moved.selector;
        assembly ("memory-safe") {
            log2(next, SIZE, topic, gameId)
        }
    }

    /// @dev The game, if the position shown is its own.
    function _shown(uint256 gameId, Position calldata p) internal view returns (Game storage game) {
        game = _game[gameId];
        if (game.position != Words.hash(p)) revert DisputeWrongPosition(gameId);
    }

    function _requireBindings(Position calldata p, Bindings calldata b) internal pure {
        bytes32 hash = Words.hash(b);
        if (hash != p.bindings) revert DisputeMismatch(p.bindings, hash);
    }

    function _requireLevel(Position calldata p, Level level) internal pure {
        if (p.level != level) revert DisputeWrongCrossing();
    }

    function _isChallengers(Phase phase) internal pure returns (bool) {
        return phase == Phase.Point || phase == Phase.Element || phase == Phase.Claim;
    }

    /// @dev Enters a tree of `count` leaves, `last` after them where that is not zero. Where its root is no leaf, it is opened.
    function _enter(
        uint256 gameId,
        Position memory next,
        Level level,
        bytes32 node,
        uint256 count,
        bytes32 last,
        bytes32[16] calldata children
    ) internal {
        next.level = level;
        next.node = node;
        next.count = uint32(count);
        next.index = 0;
        next.height = uint8(Merkle16.depth(count));
        next.last = last;
        if (next.height > 0) {
            _open(gameId, next, children);
        } else {
            next.shown = 0;
            next.phase = last == 0 ? _leafPhase(level) : Phase.Point;
        }
    }

    /// @dev Checks the children of the position's node.
    function _open(uint256 gameId, Position memory next, bytes32[16] calldata children) internal {
        bytes32 hash = Merkle16.node(children);
        if (hash != next.node) revert DisputeMismatch(next.node, hash);
        if (!Merkle16.absentFrom(children, _present(next))) revert DisputeMismatch(0, hash);
        next.phase = Phase.Point;
        next.shown = Words.hash(children);
        emit Opened(gameId, children);
    }

    /// @dev How many children the position's node has.
    function _present(Position memory p) internal pure returns (uint256) {
        uint256 height = p.height - 1;
        return Merkle16.present(p.count, (uint256(p.index) << 4) << (4 * height), height);
    }

    function _leafPhase(Level level) internal pure returns (Phase) {
        return level == Level.Chunk || level == Level.Term ? Phase.Reveal : Phase.Cross;
    }

    function _challengerLoses(uint256 gameId, Position calldata p, bool played) internal {
        Game storage game = _game[gameId];
        (address challenger, uint256 bond) = (game.challenger, game.bond);
        // A job that came to its end elsewhere closes its games: their bonds go back.
        if (_market.stateOf(p.jobId) != JobState.Submitted) revert DisputeWrongJob(p.jobId);
        _close(gameId, p);
        if (played) _standing[p.jobId].won = true;
        ++_lost[p.jobId][challenger];
        emit ChallengerLost(gameId, p.jobId, challenger);
        if (bond != 0) _ledger.moveOut(p.provider, bond);
    }

    function _providerLoses(uint256 gameId, Position calldata p, Job calldata job) internal {
        Game storage game = _game[gameId];
        (address challenger, uint256 bond) = (game.challenger, game.bond);
        if (job.terms.jobId != p.jobId) revert DisputeWrongJob(p.jobId);
        _close(gameId, p);
        emit ProviderLost(gameId, p.jobId, challenger);
        if (bond != 0) _ledger.moveOut(challenger, bond);
        _callMarket(ISidePaths.slash.selector, job, abi.encode(challenger, 0));
    }

    /// @dev A function of the market that takes the job's record, which goes on in the words it came in, and then `rest`.
    function _callMarket(bytes4 selector, Job calldata job, bytes memory rest) internal returns (bytes memory) {
        return Address.functionCall(address(_market), bytes.concat(selector, Raw.words(job), rest));
    }

    function _close(uint256 gameId, Position calldata p) internal {
        delete _game[gameId];
        --_standing[p.jobId].live;
        --_liveOf[p.provider];
    }
}
