// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Merkle16} from "../libraries/Merkle16.sol";
import {Evidence, IProgramFaults, Place, SourceOp} from "./IProgramFaults.sol";
import {EVAL, INIT, STEP} from "./Position.sol";
import {Encoding, Op, Operand} from "./referee/Encoding.sol";
import {Fault} from "./referee/Fault.sol";
import {DeclaredTensor, Header, ProgramHeader} from "./referee/Header.sol";
import {OpCheck, TensorType} from "./referee/OpCheck.sol";

/// @title ProgramFaults
/// @dev Documented in {IProgramFaults}.
contract ProgramFaults is IProgramFaults {
    using Encoding for Op;

    /// @inheritdoc IProgramFaults
    function isAtFault(
        bytes32 programRoot,
        bytes32 dataRoot,
        bytes32 parentRoot,
        uint32 steps,
        uint32 interval,
        Evidence calldata e
    ) external view returns (bool) {
        if (Merkle16.programRoot(e.header, e.lists.init, e.lists.step, e.lists.eval) != programRoot) {
            revert FaultsWrongEvidence();
        }
        (Fault fault, ProgramHeader memory h) = Header.decode(e.header);
        if (e.place == Place.Header) return fault != Fault.None;
        // The header says what everything else is measured by.
        if (fault != Fault.None) revert FaultsWrongEvidence();
        if (e.place == Place.Terms) return h.steps != steps || h.interval != interval;
        if (e.place == Place.Data) return _inputFault(h, Encoding.DATA, h.dataTensors, dataRoot, e);
        if (e.place == Place.Parent) return _inputFault(h, Encoding.PARENT, h.parentTensors, parentRoot, e);
        _requireOp(h, e, e.index, e.op, e.proof);
        return e.place == Place.Op ? _opFault(h, e) : _stateFault(h, e);
    }

    function _opFault(ProgramHeader memory h, Evidence calldata e) private view returns (bool) {
        TensorType[6] memory types;
        (bool ok, Op memory op) = Encoding.decode(e.op);
        if (ok) {
            for (uint256 k = 0; k < op.operands; ++k) {
                Operand memory x = op.operand(k);
                types[2 * k] = _typeOf(h, e, x.kind, x.word, e.sources[2 * k]);
                if (x.indirect) types[2 * k + 1] = _typeOf(h, e, x.tableKind, x.tableIndex, e.sources[2 * k + 1]);
            }
        }
        return OpCheck.faultOf(e.op, types) != Fault.None;
    }

    /// @dev The op that feeds a state tensor gives another type than the header declares.
    function _stateFault(ProgramHeader memory h, Evidence calldata e) private pure returns (bool) {
        if (e.tensor >= h.stateTensors) revert FaultsWrongEvidence();
        DeclaredTensor memory tensor = Header.tensor(h, Encoding.STATE, e.tensor);
        bool feeds = e.list == INIT ? tensor.initOp == e.index : e.list == STEP && tensor.stepOp == e.index;
        if (!feeds) revert FaultsWrongEvidence();
        (bool ok, Op memory op) = Encoding.decode(e.op);
        return !ok || !Header.gives(op, tensor);
    }

    /// @dev A tensor under a signed root is not what the header declares of that kind.
    function _inputFault(
        ProgramHeader memory h,
        uint256 kind,
        uint256 count,
        bytes32 inputRoot,
        Evidence calldata e
    ) private view returns (bool) {
        if (e.tensor >= count) revert FaultsWrongEvidence();
        uint256 elements = e.rank == 0 ? 1 : 0;
        if (e.rank <= 4 && e.rank > 0) {
            elements = 1;
            for (uint256 d = 0; d < e.rank; ++d) elements *= uint32(e.dims >> (96 - 32 * d));
        }
        bytes32 root = Merkle16.tensorRoot(e.dtype, e.rank, e.dims, elements, e.chunks);
        if (!Merkle16.verify(inputRoot, count, e.tensor, root, e.columnProof)) revert FaultsWrongEvidence();
        DeclaredTensor memory tensor = Header.tensor(h, kind, e.tensor);
        return e.dtype != tensor.dtype || e.rank != tensor.rank || e.dims != tensor.dims;
    }

    /// @dev Type of what an op reads; 0 where that is not there.
    function _typeOf(
        ProgramHeader memory h,
        Evidence calldata e,
        uint256 kind,
        uint256 index,
        SourceOp calldata source
    ) private view returns (TensorType) {
        if (!Encoding.isTensor(kind) || (kind == Encoding.STATE && e.list == INIT)) return TensorType.wrap(0);
        if (kind != Encoding.VALUE) return Header.typeOf(h, kind, index);
        if (index >= e.index) return TensorType.wrap(0);
        _requireOp(h, e, index, source.op, source.proof);
        (bool ok, Op memory op) = Encoding.decode(source.op);
        // An op that is at fault itself is evidence of its own.
        if (!ok || op.elements > type(uint32).max) revert FaultsWrongEvidence();
        return OpCheck.typeOf(op.dtype, op.elements);
    }

    /// @dev The encoding is op `index` of the evidence's list.
    function _requireOp(
        ProgramHeader memory h,
        Evidence calldata e,
        uint256 index,
        bytes calldata op,
        bytes32[15][] calldata proof
    ) private view {
        if (e.list > EVAL) revert FaultsWrongEvidence();
        (bytes32 root, uint256 count) = e.list == INIT
            ? (e.lists.init, h.initOps)
            : e.list == STEP
                ? (e.lists.step, h.stepOps)
                : (e.lists.eval, h.evalOps);
        bytes32 leaf = Merkle16.opLeaf(e.list, uint16(index), op);
        if (!Merkle16.verify(root, count, index, leaf, proof)) revert FaultsWrongEvidence();
    }
}
