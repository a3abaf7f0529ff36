// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Address} from "@openzeppelin/contracts/utils/Address.sol";

import {ILedger} from "../interfaces/ILedger.sol";
import {IMainPath} from "../interfaces/IMainPath.sol";
import {IMarket} from "../interfaces/IMarket.sol";
import {IParameters} from "../interfaces/IParameters.sol";
import {ISidePaths} from "../interfaces/ISidePaths.sol";
import {IStaking} from "../interfaces/IStaking.sol";
import {Merkle16} from "../libraries/Merkle16.sol";
import {Raw} from "../libraries/Raw.sol";
import {Job, Terms} from "../types/Job.sol";
import {JobState} from "../types/JobState.sol";
import {Params} from "../types/Params.sol";
import {IBeacon} from "./IBeacon.sol";
import {IDisputeBase} from "./IDisputeBase.sol";
import {IProgramFaults} from "./IProgramFaults.sol";
import {IProofs} from "./IProofs.sol";
import {Bindings, Level, Phase, Position} from "./Position.sol";
import {IReferee} from "./referee/IReferee.sol";
import {Words} from "./Words.sol";

/// @title Games: whose turn, whose clock, whose money
/// @dev All of the game's storage, and what every move does before and after its own check. `Disputes` and `Clerk` both begin with
/// this, and the code of the one runs on the storage of the other.
abstract contract Games is IDisputeBase {
    /// @dev What the game is made with.
    struct Parts {
        IMarket market;
        IReferee referee;
        IProgramFaults faults;
        IProofs proofs;
        IBeacon beacon;
        /// Token base units that 1e9 gas are worth in costs and bonds: a price that both sides know beforehand.
        uint256 gasPrice;
    }

    struct Game {
        bytes32 position;
        address challenger;
        uint32 movedAt;
        uint24 providerLeft;
        uint24 challengerLeft;
        /// The challenger's gas so far, in thousands.
        uint16 spent;
        uint256 bond;
    }

    /// @dev What the market asks of a job, in one slot.
    struct Standing {
        /// Games and demands that are not over, and a forfeit that nobody collected yet; the games alone.
        uint64 live;
        uint32 games;
        bool won;
        uint40 auditUntil;
        /// From the reveal on, a requester's sign-off waits as long for auditors to show what they committed to.
        uint40 revealTime;
        uint16 commitments;
        uint16 auditors;
        /// Its collateral stands for the bond of a live game that it plays as the challenger: of one at a time.
        bool vouches;
    }

    /// @dev Of a slashed job that drawn auditors committed to: kept until they have shown whether they found another result.
    struct Reward {
        /// Who is paid where no auditor did.
        address winner;
        uint40 until;
        /// Auditors that showed another result and were not paid yet.
        uint16 auditors;
        uint256 amount;
    }

    /// In `point`: the entry after the tree.
    uint256 internal constant LAST = 16;
    uint256 private constant SIZE = 30 * 32;
    /// What a challenger is paid for at most, and what bonds are made to cover.
    uint256 internal constant GAS_BOUND = 2_500_000;
    /// Of the call that ends a game, slash included, beyond what was measured.
    uint256 private constant END_GAS = 260_000;
    uint256 private constant PER_UNIT = 1_000;
    /// Live games that a provider's clock has time for to run a part of the job again.
    uint256 private constant MOST_RERUNS = 4;

    IMarket internal immutable _market;
    ILedger internal immutable _ledger;
    IStaking internal immutable _staking;
    IParameters internal immutable _parameters;
    IReferee internal immutable _referee;
    IProgramFaults internal immutable _faults;
    IProofs internal immutable _proofs;
    IBeacon internal immutable _beacon;
    uint256 internal immutable _gasPrice;

    /// @dev Gas left when a challenger's move began; zero in any other call.
    uint256 private transient _meter;
    uint256 internal _games;
    mapping(uint256 gameId => Game) internal _game;
    mapping(bytes32 jobId => Standing) internal _standing;
    mapping(address provider => uint256) internal _liveOf;
    /// @dev Games lost by a challenger; of the requester, those that are not on its record yet.
    mapping(bytes32 jobId => mapping(address challenger => uint256)) internal _lost;
    /// @dev Of a game that two replicas are made to play: the job whose provider is the challenger.
    mapping(uint256 gameId => bytes32 jobId) internal _rivalOf;
    /// @dev Who is to be rewarded for a replica that lost as a challenger and waits for its record to be shown.
    mapping(bytes32 jobId => address winner) internal _forfeitTo;
    /// @dev Protocol fees of a provider's audited jobs that went well since it last lost one.
    mapping(address provider => uint256) internal _audited;
    mapping(bytes32 jobId => Reward) internal _reward;

    constructor(Parts memory parts) {
        _market = parts.market;
        _ledger = ILedger(address(parts.market));
        _staking = IStaking(parts.market.staking());
        _parameters = IParameters(parts.market.parameters());
        _referee = parts.referee;
        _faults = parts.faults;
        _proofs = parts.proofs;
        _beacon = parts.beacon;
        _gasPrice = parts.gasPrice;
    }

    /// @dev Checks position, phase, turn and clock of a move, and gives the position to change.
    function _begin(uint256 gameId, Position calldata p, Phase phase) internal returns (Position memory next) {
        Game storage game = _shown(gameId, p);
        if (p.phase != phase) revert DisputeWrongPhase(gameId, p.phase);
        uint256 elapsed = block.timestamp - game.movedAt;
        if (_isChallengers(phase)) {
            _startMeter();
            _requireActor(game.challenger);
            if (elapsed > game.challengerLeft) revert DisputeClockOver(gameId);
            game.challengerLeft -= uint24(elapsed);
        } else {
            _requireActor(p.provider);
            if (elapsed > game.providerLeft) revert DisputeClockOver(gameId);
            game.providerLeft -= uint24(elapsed);
        }
        game.movedAt = uint32(block.timestamp);
        return Words.copy(p);
    }

    function _end(uint256 gameId, Position memory next) internal {
        Game storage game = _game[gameId];
        game.position = Words.hashOf(next);
        uint256 meter = _meter;
        if (meter != 0) {
            // What the transaction costs before any code runs: most bytes shown are zero.
            uint256 used = meter - gasleft() + 25_000 + 10 * msg.data.length;
            uint256 spent = game.spent + used / PER_UNIT;
            game.spent = spent < type(uint16).max ? uint16(spent) : type(uint16).max;
            _meter = 0;
        }
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

    function _startMeter() internal {
        _meter = gasleft();
    }

    /// @dev The account itself, or an operator of it.
    function _requireActor(address account) internal view {
        if (msg.sender != account && !_staking.isOperator(account, msg.sender)) revert DisputeNotYourTurn(msg.sender);
    }

    /// @dev The record is the market's, it stands in this state under this game's judgement.
    function _requireRecord(Job calldata job, JobState state) internal {
        bytes32 jobId = job.terms.jobId;
        if (
            job.terms.disputes != address(this) ||
            _market.stateOf(jobId) != state ||
            !abi.decode(_callMarket(IMainPath.isRecord.selector, job, ""), (bool))
        ) revert DisputeWrongJob(jobId);
    }

    /// @dev The record is the market's, and its submission can still be challenged.
    function _requireChallengeable(Job calldata job) internal {
        _requireRecord(job, JobState.Submitted);
        (uint256 from, uint256 until) = (job.progress.submittedAt, job.progress.windowEnd);
        if (block.timestamp < from || block.timestamp > until) {
            revert DisputeOutsideWindow(block.timestamp, from, until);
        }
    }

    function _paramsOf(Job calldata job) internal view returns (Params memory) {
        return _parameters.paramsAt(job.terms.paramsVersion);
    }

    /// @dev Bond of a challenge: the gas that it may cost the provider, and its time. The same for every game: were it to grow with
    /// the games about a job, a provider's own would make an honest challenge dear, and cost it nothing.
    function _bond(Job calldata job) internal view returns (uint256) {
        return _paramsOf(job).challengeBond + _priceOf(GAS_BOUND);
    }

    function _priceOf(uint256 gasUsed) internal view returns (uint256) {
        return (gasUsed * _gasPrice) / 1e9;
    }

    /// @dev Begins a game with each side's clock: its own, and time to run a part of the job again, which a provider has once for each
    /// of its live games, up to a bound: its own games cannot draw out everybody else's for ever.
    function _start(uint256 gameId, Job calldata job, Bindings memory b, address challenger, uint256 bond) internal {
        Terms calldata terms = job.terms;
        uint256 clock = _paramsOf(job).disputeClock;
        Standing storage standing = _standing[terms.jobId];
        ++standing.live;
        ++standing.games;
        uint256 live = ++_liveOf[terms.provider];
        uint256 rerun = _rerunTime(terms);
        Game storage game = _game[gameId];
        game.challenger = challenger;
        game.movedAt = uint32(block.timestamp);
        game.providerLeft = _clock(clock + (live < MOST_RERUNS ? live : MOST_RERUNS) * rerun);
        game.challengerLeft = _clock(clock + rerun);
        game.bond = bond;
        emit Challenged(gameId, terms.jobId, challenger, bond, b);
        if (bond != 0) _ledger.moveIn(challenger, bond);
    }

    /// @dev Seconds of running the part of the job again that takes longest, by its share of the units and of the time that was
    /// allotted for all of them: initialisation, an interval or the evaluation. Twice: once for the roots of its states and ops, and
    /// once more for the values under the one in dispute.
    function _rerunTime(Terms calldata terms) private pure returns (uint256) {
        unchecked {
            uint256 span = terms.steps - terms.startStep;
            uint256 step = terms.stepUnits;
            uint256 init = terms.initUnits;
            uint256 eval = terms.evalUnits;
            uint256 all = init + step * span + eval;
            uint256 most = step * (terms.interval < span ? terms.interval : span);
            if (init > most) most = init;
            if (eval > most) most = eval;
            // A job without units has no price, so that it cannot be agreed.
            return (2 * (uint256(terms.deadline) - terms.agreedAt) * most) / all + 1;
        }
    }

    function _clock(uint256 seconds_) private pure returns (uint24) {
        return seconds_ < type(uint24).max ? uint24(seconds_) : type(uint24).max;
    }

    function _challengerLoses(uint256 gameId, Position calldata p, bool played) internal {
        Game storage game = _game[gameId];
        (address challenger, uint256 bond) = (game.challenger, game.bond);
        bytes32 rival = _rivalOf[gameId];
        // A job that came to its end elsewhere closes its games: their bonds go back.
        if (_market.stateOf(p.jobId) != JobState.Submitted) revert DisputeWrongJob(p.jobId);
        // The loser's own submission stays unpaid until its record is shown and it is slashed. Who had no bond of it comes first.
        if (rival != 0 && (bond == 0 || _forfeitTo[rival] == address(0))) {
            if (_forfeitTo[rival] == address(0)) ++_standing[rival].live;
            _forfeitTo[rival] = p.provider;
        }
        _close(gameId, p);
        if (played) _standing[p.jobId].won = true;
        ++_lost[p.jobId][challenger];
        emit ChallengerLost(gameId, p.jobId, challenger);
        if (bond != 0) _ledger.moveOut(p.provider, bond);
    }

    function _providerLoses(uint256 gameId, Position calldata p, Job calldata job) internal {
        Game storage game = _game[gameId];
        (address challenger, uint256 bond, uint256 spent) = (game.challenger, game.bond, game.spent);
        if (job.terms.jobId != p.jobId) revert DisputeWrongJob(p.jobId);
        _close(gameId, p);
        emit ProviderLost(gameId, p.jobId, challenger);
        if (bond != 0) _ledger.moveOut(challenger, bond);
        spent = spent * PER_UNIT + END_GAS;
        _slash(job, challenger, _priceOf(spent < GAS_BOUND ? spent : GAS_BOUND));
    }

    /// @dev Where drawn auditors committed and have not said that they agree, the reward waits for them, and the winner has its costs
    /// alone: a challenger of the provider's own has nothing from coming first. The ledger calls nobody back.
    function _slash(Job calldata job, address winner, uint256 costs) internal {
        bytes32 jobId = job.terms.jobId;
        Standing storage standing = _standing[jobId];
        _audited[job.terms.provider] = 0;
        if (standing.commitments == standing.auditors) {
            _callMarket(ISidePaths.slash.selector, job, abi.encode(winner, costs));
            return;
        }
        uint256 amount = _ledger.freeBalance(address(this));
        _callMarket(ISidePaths.slash.selector, job, abi.encode(address(this), costs));
        amount = _ledger.freeBalance(address(this)) - amount;
        uint256 paid = costs < amount ? costs : amount;
        uint40 until = uint40(block.timestamp + _paramsOf(job).revealTime);
        _reward[jobId] = Reward({winner: winner, until: until, auditors: 0, amount: amount - paid});
        emit RewardKept(jobId, winner, amount - paid, until);
        _ledger.moveIn(address(this), amount);
        if (paid != 0) _ledger.moveOut(winner, paid);
    }

    /// @dev A function of the market that takes the job's record, which goes on in the words it came in, and then `rest`.
    function _callMarket(bytes4 selector, Job calldata job, bytes memory rest) internal returns (bytes memory) {
        return Address.functionCall(address(_market), bytes.concat(selector, Raw.words(job), rest));
    }

    function _close(uint256 gameId, Position calldata p) internal {
        bytes32 rival = _rivalOf[gameId];
        if (rival != 0) {
            delete _rivalOf[gameId];
            --_standing[rival].live;
            if (_game[gameId].bond == 0) _standing[rival].vouches = false;
        }
        delete _game[gameId];
        Standing storage standing = _standing[p.jobId];
        --standing.live;
        --standing.games;
        --_liveOf[p.provider];
    }
}
