// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Merkle16} from "../libraries/Merkle16.sol";
import {Games} from "./Games.sol";
import {IMoves} from "./IMoves.sol";
import {Level, Phase, Position} from "./Position.sol";
import {Words} from "./Words.sol";

/// @title Descent: down one tree, from its root to an element
abstract contract Descent is IMoves, Games {
    /// @inheritdoc IMoves
    function open(uint256 gameId, Position calldata p, bytes32[16] calldata children) external {
        Position memory next = _begin(gameId, p, Phase.Open);
        next.last = 0;
        _open(gameId, next, children);
        _end(gameId, next);
    }

    /// @inheritdoc IMoves
    function point(uint256 gameId, Position calldata p, bytes32[16] calldata children, uint256 pick) external {
        Position memory next = _begin(gameId, p, Phase.Point);
        if (pick == LAST && p.last != 0) {
            next.node = p.last;
            next.index = p.count;
            next.height = 0;
        } else if (p.height == 0) {
            // The tree is one leaf.
            if (pick != 0) revert DisputeNoSuchPlace(pick, 1);
        } else {
            bytes32 hash = Words.hash(children);
            if (hash != p.shown) revert DisputeMismatch(p.shown, hash);
            uint256 present = _present(next);
            if (pick >= present) revert DisputeNoSuchPlace(pick, present);
            next.node = children[pick];
            next.index = (p.index << 4) | uint32(pick);
            next.height = p.height - 1;
        }
        next.last = 0;
        next.shown = 0;
        next.phase = next.height == 0 ? _leafPhase(p.level) : Phase.Open;
        _end(gameId, next);
    }

    /// @inheritdoc IMoves
    function reveal(uint256 gameId, Position calldata p, bytes calldata chunk) external {
        Position memory next = _begin(gameId, p, Phase.Reveal);
        if (chunk.length != Merkle16.chunkLength(p.size, p.index)) {
            revert DisputeNoSuchPlace(chunk.length, Merkle16.chunkLength(p.size, p.index));
        }
        bytes32 leaf = Merkle16.chunkLeaf(p.dtype, p.index, chunk);
        if (leaf != p.node) revert DisputeMismatch(p.node, leaf);
        if (p.level == Level.Term && p.index + 1 == Merkle16.chunkCount(p.size)) {
            // What a fold ends with is what is disputed.
            uint256 bits = Merkle16.elementOf(chunk, chunk.length / 4 - 1);
            if (bits != p.bits) revert DisputeMismatch(bytes32(uint256(p.bits)), bytes32(bits));
        }
        next.shown = keccak256(chunk);
        next.phase = Phase.Element;
        emit Revealed(gameId, chunk);
        _end(gameId, next);
    }

    /// @inheritdoc IMoves
    function pointElement(uint256 gameId, Position calldata p, bytes calldata chunk, uint256 place) external {
        Position memory next = _begin(gameId, p, Phase.Element);
        bytes32 hash = keccak256(chunk);
        if (hash != p.shown) revert DisputeMismatch(p.shown, hash);
        if (place >= chunk.length / 4) revert DisputeNoSuchPlace(place, chunk.length / 4);
        uint256 at_ = uint256(p.index) * Merkle16.CHUNK_ELEMENTS + place;
        next.bits = uint32(Merkle16.elementOf(chunk, place));
        next.shown = 0;
        next.phase = Phase.Judge;
        if (p.level == Level.Chunk) {
            next.element = uint32(at_);
            next.accumulatorKnown = true;
            if (p.terms > 1) next.phase = Phase.Cross;
        } else {
            next.term = uint32(at_);
            next.accumulatorKnown = place > 0 || at_ == 0;
            next.accumulator = place > 0 ? uint32(Merkle16.elementOf(chunk, place - 1)) : 0;
        }
        _end(gameId, next);
    }
}
