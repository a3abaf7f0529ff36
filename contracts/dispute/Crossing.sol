// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Merkle16} from "../libraries/Merkle16.sol";
import {Descent} from "./Descent.sol";
import {IMoves} from "./IMoves.sol";
import {Bindings, EVAL, INIT, Level, Phase, Position, STEP, UNCHANGED} from "./Position.sol";
import {Outline} from "./referee/IReferee.sol";
import {Schedule} from "./Schedule.sol";

/// @title Crossing: from the leaf of one tree to the root of the next finer one
abstract contract Crossing is Descent {
    using Schedule for Bindings;

    /// @inheritdoc IMoves
    function crossSteps(
        uint256 gameId,
        Position calldata p,
        Bindings calldata b,
        bytes32 rest,
        bytes32[16] calldata children
    ) external {
        Position memory next = _begin(gameId, p, Phase.Cross);
        _requireBindings(p, b);
        _requireLevel(p, Level.Checkpoint);
        uint256 states = b.statesBefore(p.index);
        if (states < 2) revert DisputeWrongCrossing();
        _requireThere(p);
        next.checkpoint = p.index;
        next.stepsRest = rest;
        _enter(gameId, next, Level.Step, rest, states - 1, p.node, children);
        _end(gameId, next);
    }

    /// @inheritdoc IMoves
    function crossState(
        uint256 gameId,
        Position calldata p,
        Bindings calldata b,
        bytes32[16] calldata children
    ) external {
        Position memory next = _begin(gameId, p, Phase.Cross);
        _requireBindings(p, b);
        if (p.level == Level.Step) {
            next.step = uint32(b.stepAt(p.checkpoint - 1) + p.index + 1);
        } else {
            _requireLevel(p, Level.Checkpoint);
            if (p.index == 0) {
                if (b.startRoot != 0) revert DisputeWrongCrossing();
            } else {
                if (b.statesBefore(p.index) != 1) revert DisputeWrongCrossing();
                next.checkpoint = p.index;
                next.step = uint32(b.stepAt(p.index));
            }
        }
        _enter(gameId, next, Level.State, p.node, b.stateTensors, 0, children);
        _end(gameId, next);
    }

    /// @inheritdoc IMoves
    function crossTensor(
        uint256 gameId,
        Position calldata p,
        Bindings calldata b,
        bytes calldata header,
        bytes32 rest,
        bytes32[16] calldata children
    ) external {
        Position memory next = _begin(gameId, p, Phase.Cross);
        _requireBindings(p, b);
        _requireHeader(b, header);
        _requireThere(p);
        if (p.level == Level.Output) {
            next.list = EVAL;
            next.lastOp = _referee.outputOp(header, p.index);
            next.step = uint32(b.stepAt(b.checkpoints));
        } else {
            _requireLevel(p, Level.State);
            (uint16 initOp, uint16 stepOp) = _referee.feedsOf(header, p.index);
            if (p.step != 0 && stepOp == UNCHANGED) revert DisputeWrongCrossing();
            next.list = p.step == 0 ? INIT : STEP;
            next.lastOp = p.step == 0 ? initOp : stepOp;
        }
        next.opsRest = rest;
        if (next.lastOp == 0) {
            // Nothing comes before the first op: its output is the disputed root.
            next.level = Level.Op;
            next.index = 0;
        } else {
            _enter(gameId, next, Level.Op, rest, next.lastOp, p.node, children);
        }
        _end(gameId, next);
    }

    /// @inheritdoc IMoves
    function crossOp(
        uint256 gameId,
        Position calldata p,
        Bindings calldata b,
        bytes calldata op,
        bytes32[15][] calldata proof,
        bytes32 chunks,
        bytes32[16] calldata children
    ) external {
        Position memory next = _begin(gameId, p, Phase.Cross);
        _requireBindings(p, b);
        _requireLevel(p, Level.Op);
        _requireOp(p, b, op, proof);
        _outline(next, _referee.outline(op), chunks);
        next.op = uint16(p.index);
        next.opHash = keccak256(op);
        _enter(gameId, next, Level.Chunk, chunks, Merkle16.chunkCount(next.size), 0, children);
        _end(gameId, next);
    }

    /// @inheritdoc IMoves
    function crossTerms(uint256 gameId, Position calldata p, bytes32 root, bytes32[16] calldata children) external {
        Position memory next = _begin(gameId, p, Phase.Cross);
        _requireLevel(p, Level.Chunk);
        next.termsRoot = root;
        next.size = p.terms;
        _enter(gameId, next, Level.Term, root, Merkle16.chunkCount(p.terms), 0, children);
        _end(gameId, next);
    }

    /// @dev Nothing hashes to zero, and as the end of a list zero would say that it has none: such a root cannot be crossed, so
    /// whoever committed to it has no move.
    function _requireThere(Position calldata p) private pure {
        if (p.node == 0) revert DisputeMismatch(0, 0);
    }

    function _requireHeader(Bindings calldata b, bytes calldata header) internal pure {
        bytes32 hash = keccak256(header);
        if (hash != b.header) revert DisputeMismatch(b.header, hash);
    }

    function _requireOp(
        Position calldata p,
        Bindings calldata b,
        bytes calldata op,
        bytes32[15][] calldata proof
    ) private view {
        (bytes32 root, uint256 count) = p.list == INIT
            ? (b.initRoot, b.initOps)
            : p.list == STEP
                ? (b.stepRoot, b.stepOps)
                : (b.evalRoot, b.evalOps);
        bytes32 leaf = Merkle16.opLeaf(p.list, uint16(p.index), op);
        if (!Merkle16.verify(root, count, p.index, leaf, proof)) revert DisputeMismatch(root, leaf);
    }

    /// @dev Takes what an op makes into the position, where the disputed root is that of such a tensor.
    function _outline(Position memory next, Outline memory o, bytes32 chunks) private pure {
        bytes32 root = Merkle16.tensorRoot(o.dtype, o.rank, o.dims, o.elements, chunks);
        if (root != next.node) revert DisputeMismatch(next.node, root);
        next.dtype = o.dtype;
        next.size = uint32(o.elements);
        next.operands = o.operands;
        next.terms = uint32(o.terms);
    }
}
