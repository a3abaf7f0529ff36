// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Address} from "@openzeppelin/contracts/utils/Address.sol";

import {ISidePaths} from "../interfaces/ISidePaths.sol";
import {Job, Terms} from "../types/Job.sol";
import {JobState} from "../types/JobState.sol";
import {Demands} from "./Demands.sol";
import {Games} from "./Games.sol";
import {IClerk} from "./IClerk.sol";
import {IProgramFaults} from "./IProgramFaults.sol";
import {Position} from "./Position.sol";

/// @title Clerk: what happens around the moves of games
/// @dev Documented in {IClerk}. Runs on the storage of `Disputes`, which is why it keeps to the storage that {Games} begins with.
contract Clerk is Demands {
    /// Words of `IProgramFaults.isAtFault` before its evidence: what the job says.
    uint256 private constant SIGNED = 5 * 32;

    /// @notice What it was made with, for the game to compare: `keccak256(abi.encode(parts))`.
    bytes32 public immutable partsHash;

    constructor(Parts memory parts) Games(parts) {
        partsHash = keccak256(abi.encode(parts));
    }

    /// @inheritdoc IClerk
    function collectForfeit(Job calldata job) external {
        bytes32 jobId = job.terms.jobId;
        _requireRecord(job, JobState.Submitted);
        address winner = _forfeitTo[jobId];
        // The defender of a game without a bond, which is live, would go away empty.
        if (winner == address(0) || _standing[jobId].vouches) revert DisputeDone();
        delete _forfeitTo[jobId];
        --_standing[jobId].live;
        // What the winner spent as the provider of that game was not measured.
        _slash(job, winner, _priceOf(GAS_BOUND));
    }

    /// @inheritdoc IClerk
    function withdrawBond(uint256 gameId, Position calldata p) external {
        Game storage game = _shown(gameId, p);
        JobState state = _market.stateOf(p.jobId);
        if (state != JobState.Slashed && state != JobState.Void) revert DisputeJobNotOver(p.jobId);
        (address challenger, uint256 bond) = (game.challenger, game.bond);
        _close(gameId, p);
        emit BondReturned(gameId, p.jobId, challenger);
        if (bond != 0) _ledger.moveOut(challenger, bond);
    }

    /// @inheritdoc IClerk
    function voidFaulty(Job calldata job, bytes calldata evidence) external {
        Terms calldata terms = job.terms;
        bytes32 signed = keccak256(
            abi.encode(terms.programRoot, terms.dataRoot, terms.parentRoot, terms.steps, terms.interval)
        );
        if (evidence.length < SIGNED || keccak256(evidence[:SIGNED]) != signed) revert DisputeNoFault();
        bytes memory answer = Address.functionStaticCall(
            address(_faults),
            bytes.concat(IProgramFaults.isAtFault.selector, evidence)
        );
        if (!abi.decode(answer, (bool))) revert DisputeNoFault();
        _callMarket(ISidePaths.voidJob.selector, job, "");
    }

    /// @inheritdoc IClerk
    function noteLostChallenge(Job calldata job) external {
        address requester = job.terms.requester;
        if (_lost[job.terms.jobId][requester] == 0) revert DisputeNothingToDispute();
        --_lost[job.terms.jobId][requester];
        _callMarket(ISidePaths.noteLostChallenge.selector, job, abi.encode(requester));
    }

    /// @inheritdoc IClerk
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

    /// @inheritdoc IClerk
    function bondOf(Job calldata job) external view returns (uint256) {
        return _bond(job);
    }
}
