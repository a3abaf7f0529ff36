// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Float32} from "../libraries/Float32.sol";
import {Merkle16} from "../libraries/Merkle16.sol";
import {IProofs} from "./IProofs.sol";
import {Bindings, Claims, EVAL, INIT, Position, STEP, TensorProof, UNCHANGED} from "./Position.sol";
import {Position as Place, Reading, Route} from "./referee/Access.sol";
import {Encoding} from "./referee/Encoding.sol";
import {IReferee} from "./referee/IReferee.sol";
import {Schedule} from "./Schedule.sol";

/// @title Proofs
/// @dev Documented in {IProofs}.
contract Proofs is IProofs {
    using Schedule for Bindings;

    uint8 private constant ROWS = 3;
    uint8 private constant ACCUMULATOR = 6;

    IReferee private immutable _referee;

    constructor(IReferee referee) {
        _referee = referee;
    }

    /// @inheritdoc IProofs
    function prove(
        uint256,
        Position calldata p,
        Bindings calldata b,
        bytes calldata op,
        Claims calldata claims,
        TensorProof calldata proof
    ) external view returns (bool) {
        return p.claim == ACCUMULATOR ? _provesAccumulator(p, claims, proof) : _provesOperand(p, b, op, claims, proof);
    }

    /// @inheritdoc IProofs
    function proveUnchanged(
        uint256,
        Position calldata p,
        Bindings calldata b,
        bytes calldata header,
        bytes32 state,
        bytes32[15][] calldata stateProof,
        bytes32[15][] calldata proof
    ) external view returns (bool) {
        (, uint16 stepOp) = _referee.feedsOf(header, p.index);
        return
            p.step != 0 &&
            stepOp == UNCHANGED &&
            _isStateBefore(p, b, state, stateProof) &&
            Merkle16.verify(state, b.stateTensors, p.index, p.node, proof);
    }

    /// @inheritdoc IProofs
    function proveParameter(
        uint256,
        Position calldata p,
        Bindings calldata b,
        bytes calldata header,
        bytes32[15][] calldata proof
    ) external view returns (bool) {
        uint256 index = _referee.parameterAt(header, p.index);
        return Merkle16.verify(b.stateRoot, b.stateTensors, index, p.node, proof);
    }

    function _provesAccumulator(
        Position calldata p,
        Claims calldata claims,
        TensorProof calldata proof
    ) private view returns (bool) {
        if (p.accumulatorKnown) return true;
        // It is the last element of the chunk before.
        uint256 chunk = p.term / Merkle16.CHUNK_ELEMENTS - 1;
        return _holds(p.termsRoot, p.dtype, p.size, chunk * Merkle16.CHUNK_ELEMENTS + 255, claims.accumulator, proof);
    }

    /// @dev A row stands where its table has it, or where the table ends before it and the operand is +0. A value stands where the
    /// tensor has it under the claimed row, or where tensor or table end before it and it is +0.
    function _provesOperand(
        Position calldata p,
        Bindings calldata b,
        bytes calldata op,
        Claims calldata claims,
        TensorProof calldata proof
    ) private view returns (bool) {
        bool ofRow = p.claim >= ROWS;
        uint256 k = ofRow ? p.claim - ROWS : p.claim;
        Reading memory reading = _referee.locate(op, _place(p), k, claims.rows[k]);
        if (ofRow ? !reading.indirect : reading.route != Route.Element) return true;
        bool table = ofRow || (proof.table && reading.indirect);
        if (!_isSource(p, b, table ? reading.rowKind : reading.kind, table ? reading.rowIndex : reading.index, proof)) {
            return false;
        }
        uint256 elements = _elementsOf(proof);
        if (Merkle16.tensorRoot(proof.dtype, proof.rank, proof.dims, elements, proof.chunks) != proof.root)
            return false;
        int256 element = table ? reading.rowElement : reading.element;
        if (element < 0 || uint256(element) >= elements) {
            return reading.route == Route.NoRow || claims.values[k] == 0;
        }
        if (table && !ofRow) return false;
        uint32 claimed = ofRow ? claims.rows[k] : claims.values[k];
        return _holds(proof.chunks, proof.dtype, elements, uint256(element), claimed, proof);
    }

    /// @inheritdoc IProofs
    function holdsChunk(
        bytes32 modelRoot,
        uint256 parameters,
        uint256 tensor,
        uint256 chunk,
        TensorProof calldata proof
    ) external view returns (bool) {
        uint256 elements = _elementsOf(proof);
        return
            Merkle16.verify(modelRoot, parameters, tensor, proof.root, proof.rootProof) &&
            Merkle16.tensorRoot(proof.dtype, proof.rank, proof.dims, elements, proof.chunks) == proof.root &&
            _showsChunk(proof.chunks, proof.dtype, elements, chunk, proof);
    }

    /// @dev Whether an element of a tensor with this root over its chunks has the claimed bits.
    function _holds(
        bytes32 chunks,
        uint8 dtype,
        uint256 elements,
        uint256 element,
        uint256 claimed,
        TensorProof calldata proof
    ) private view returns (bool) {
        if (!_showsChunk(chunks, dtype, elements, element / Merkle16.CHUNK_ELEMENTS, proof)) return false;
        uint256 bits = Merkle16.elementOf(proof.chunk, element % Merkle16.CHUNK_ELEMENTS);
        // A data set may hold any NaN: there is one.
        return dtype == 0 ? Float32.canonical(bits) == Float32.canonical(claimed) : bits == claimed;
    }

    /// @dev Whether the proof's bytes are that chunk of a tensor with this root over its chunks.
    function _showsChunk(
        bytes32 chunks,
        uint8 dtype,
        uint256 elements,
        uint256 chunk,
        TensorProof calldata proof
    ) private view returns (bool) {
        uint256 count = Merkle16.chunkCount(elements);
        if (chunk >= count || proof.chunk.length != Merkle16.chunkLength(elements, chunk)) return false;
        bytes32 leaf = Merkle16.chunkLeaf(dtype, uint32(chunk), proof.chunk);
        return Merkle16.verify(chunks, count, chunk, leaf, proof.chunkProof);
    }

    /// @dev Whether the proof's root is that of tensor `index` of this kind.
    function _isSource(
        Position calldata p,
        Bindings calldata b,
        uint256 kind,
        uint256 index,
        TensorProof calldata proof
    ) private view returns (bool) {
        if (kind == Encoding.VALUE) return Merkle16.verify(p.opsRest, p.lastOp, index, proof.root, proof.rootProof);
        if (kind == Encoding.DATA) {
            return Merkle16.verify(b.dataRoot, b.dataTensors, index, proof.root, proof.rootProof);
        }
        if (kind == Encoding.PARENT) {
            return Merkle16.verify(b.parentRoot, b.parentTensors, index, proof.root, proof.rootProof);
        }
        return
            p.list != INIT &&
            _isStateBefore(p, b, proof.state, proof.stateProof) &&
            Merkle16.verify(proof.state, b.stateTensors, index, proof.root, proof.rootProof);
    }

    /// @dev Whether this is the state that the disputed step, or the evaluation, starts from.
    function _isStateBefore(
        Position calldata p,
        Bindings calldata b,
        bytes32 state,
        bytes32[15][] calldata proof
    ) private view returns (bool) {
        if (p.list == EVAL) return state == b.stateRoot;
        uint256 first = b.stepAt(p.checkpoint - 1);
        if (p.step == first + 1) {
            return Merkle16.verify(b.prefixRoot, b.checkpoints, p.checkpoint - 1, state, proof);
        }
        uint256 states = b.stepAt(p.checkpoint) - first;
        return Merkle16.verify(p.stepsRest, states - 1, p.step - first - 2, state, proof);
    }

    /// @dev A step's ops read the number of steps before it.
    function _place(Position calldata p) private pure returns (Place memory) {
        return Place({element: p.element, term: p.term, step: p.list == STEP ? p.step - 1 : p.step});
    }

    /// @dev Product of the dimensions; what a root commits to has at most four.
    function _elementsOf(TensorProof calldata proof) private pure returns (uint256 elements) {
        elements = 1;
        for (uint256 d = 0; d < proof.rank && d < 4; ++d) elements *= uint32(proof.dims >> (96 - 32 * d));
    }
}
