// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Encoding, Op} from "./Encoding.sol";
import {Fault} from "./Fault.sol";
import {Limits} from "./Limits.sol";
import {OpCheck, TensorType} from "./OpCheck.sol";

/// @dev A program's header, without what is counted in it. Places are positions in calldata.
struct ProgramHeader {
    uint256 steps;
    uint256 interval;
    uint256 initOps;
    uint256 stepOps;
    uint256 evalOps;
    uint256 dataTensors;
    uint256 firstData;
    uint256 parentTensors;
    uint256 firstParent;
    uint256 stateTensors;
    uint256 firstState;
    uint256 outputs;
    uint256 firstOutput;
}

/// @dev One tensor that the header declares. The last three only of a state tensor.
struct DeclaredTensor {
    uint8 dtype;
    uint8 rank;
    /// The first dimension in the highest of 128 bits.
    uint128 dims;
    uint256 elements;
    bool parameter;
    uint16 initOp;
    /// {Header.UNCHANGED} for a tensor that steps leave as it is.
    uint16 stepOp;
}

/// @title Header: the first part of what a program root commits to
/// @notice The inverse of `encodeHeader` in `services/engine/ir/encode.ts`, with the limits of the engine's checker.
library Header {
    using Encoding for Op;

    uint256 internal constant UNCHANGED = 0xffff;
    uint256 private constant NUMERICS = 1;
    /// Bytes that follow a state tensor's type.
    uint256 private constant STATE_EXTRA = 5;

    /// @notice Reads a header and says what is wrong with it; only without a fault does it hold what it should.
    function decode(bytes calldata header) internal pure returns (Fault fault, ProgramHeader memory h) {
        unchecked {
            uint256 p;
            assembly ("memory-safe") {
                p := header.offset
            }
            uint256 end = p + header.length;
            if (Encoding.u16(p) != NUMERICS) return (Fault.Structure, h);
            h.steps = Encoding.u32(p + 2);
            h.interval = Encoding.u32(p + 6);
            h.initOps = Encoding.u16(p + 10);
            h.stepOps = Encoding.u16(p + 12);
            h.evalOps = Encoding.u16(p + 14);
            uint256 unused;
            (fault, h.dataTensors, h.firstData, p, unused) = _tensors(
                p + 16,
                Limits.DATA_TENSORS,
                Limits.DATA_ELEMENTS,
                0
            );
            if (fault != Fault.None) return (fault, h);
            (fault, h.parentTensors, h.firstParent, p, unused) = _tensors(p, Limits.STATE_TENSORS, Limits.ELEMENTS, 0);
            if (fault != Fault.None) return (fault, h);
            uint256 elements;
            (fault, h.stateTensors, h.firstState, p, elements) = _tensors(
                p,
                Limits.STATE_TENSORS,
                Limits.ELEMENTS,
                STATE_EXTRA
            );
            if (fault != Fault.None) return (fault, h);
            h.outputs = Encoding.u16(p);
            h.firstOutput = p + 2;
            if (h.outputs > Limits.OUTPUTS) return (Fault.Limit, h);
            if (h.firstOutput + 2 * h.outputs != end) return (Fault.Structure, h);
            return (_limitFault(h, elements), h);
        }
    }

    /// @notice Tensor `index` of a kind that the header declares (`Encoding.DATA`, `PARENT`, `STATE`), which is there.
    function tensor(
        ProgramHeader memory h,
        uint256 kind,
        uint256 index
    ) internal pure returns (DeclaredTensor memory t) {
        unchecked {
            uint256 extra = kind == Encoding.STATE ? STATE_EXTRA : 0;
            uint256 p =
                kind == Encoding.DATA
                    ? h.firstData
                    : kind == Encoding.PARENT
                        ? h.firstParent
                        : h.firstState;
            while (index-- > 0) p += 2 + 4 * Encoding.u8(p + 1) + extra;
            uint256 rank = Encoding.u8(p + 1);
            t.dtype = uint8(Encoding.u8(p));
            t.rank = uint8(rank);
            t.elements = 1;
            for (uint256 d = 0; d < rank; ++d) {
                uint256 dimension = Encoding.u32(p + 2 + 4 * d);
                t.elements *= dimension;
                t.dims |= uint128(dimension << (96 - 32 * d));
            }
            if (extra == 0) return t;
            p += 2 + 4 * rank;
            t.parameter = Encoding.u8(p) == 1;
            t.initOp = uint16(Encoding.u16(p + 1));
            t.stepOp = uint16(Encoding.u16(p + 3));
        }
    }

    /// @notice Type of a tensor that the header declares, or 0 if it declares none of this kind and index.
    function typeOf(ProgramHeader memory h, uint256 kind, uint256 index) internal pure returns (TensorType) {
        uint256 count =
            kind == Encoding.DATA
                ? h.dataTensors
                : kind == Encoding.PARENT
                    ? h.parentTensors
                    : kind == Encoding.STATE
                        ? h.stateTensors
                        : 0;
        if (index >= count) return TensorType.wrap(0);
        DeclaredTensor memory t = tensor(h, kind, index);
        return OpCheck.typeOf(t.dtype, t.elements);
    }

    /// @notice The op of `eval` behind output `index`, which is there.
    function outputOp(ProgramHeader memory h, uint256 index) internal pure returns (uint256) {
        unchecked {
            return Encoding.u16(h.firstOutput + 2 * index);
        }
    }

    /// @notice How many state tensors make up the model.
    function parameters(ProgramHeader memory h) internal pure returns (uint256 count) {
        unchecked {
            uint256 p = h.firstState;
            for (uint256 i = 0; i < h.stateTensors; ++i) {
                p += 2 + 4 * Encoding.u8(p + 1) + STATE_EXTRA;
                count += Encoding.u8(p - STATE_EXTRA);
            }
        }
    }

    /// @notice State tensor that is parameter `nth` of the model, which is there.
    function parameterAt(ProgramHeader memory h, uint256 nth) internal pure returns (uint256 index) {
        unchecked {
            uint256 p = h.firstState;
            for (; index < h.stateTensors; ++index) {
                p += 2 + 4 * Encoding.u8(p + 1) + STATE_EXTRA;
                if (Encoding.u8(p - STATE_EXTRA) == 1 && nth-- == 0) return index;
            }
        }
    }

    /// @notice Whether an op gives what a tensor is declared to be.
    function gives(Op memory op, DeclaredTensor memory t) internal pure returns (bool) {
        return op.dtype == t.dtype && op.outRank == t.rank && op.dims() == t.dims;
    }

    /// @dev Reads a list of at most `limit` tensors of `most` elements each, with `extra` bytes after each, and sums their elements.
    function _tensors(
        uint256 p,
        uint256 limit,
        uint256 most,
        uint256 extra
    ) private pure returns (Fault fault, uint256 count, uint256 first, uint256 end, uint256 sum) {
        unchecked {
            count = Encoding.u16(p);
            first = p + 2;
            end = first;
            if (count > limit) return (Fault.Limit, count, first, end, sum);
            for (uint256 i = 0; i < count; ++i) {
                uint256 rank = Encoding.u8(end + 1);
                if (Encoding.u8(end) > 1 || rank > Limits.RANK) return (Fault.Structure, count, first, end, sum);
                end += 2;
                uint256 elements = 1;
                for (uint256 stop = end + 4 * rank; end < stop; end += 4) elements *= Encoding.u32(end);
                if (elements == 0 || elements > most) fault = Fault.Limit;
                sum += elements;
                if (extra != 0 && Encoding.u8(end) > 1) return (Fault.Structure, count, first, end, sum);
                end += extra;
            }
        }
    }

    function _limitFault(ProgramHeader memory h, uint256 elements) private pure returns (Fault) {
        unchecked {
            if (h.steps == 0 || h.steps > Limits.STEPS) return Fault.Limit;
            if (h.interval == 0 || h.interval > Limits.STEPS) return Fault.Limit;
            if ((h.steps + h.interval - 1) / h.interval > Limits.CHECKPOINTS) return Fault.Limit;
            if (h.initOps > Limits.OPS || h.stepOps > Limits.OPS || h.evalOps > Limits.OPS) return Fault.Limit;
            if (h.stateTensors == 0) return Fault.Structure;
            if (4 * elements > Limits.STATE_BYTES) return Fault.Limit;
            for (uint256 i = 0; i < h.outputs; ++i) if (outputOp(h, i) >= h.evalOps) return Fault.Source;
            uint256 p = h.firstState;
            uint256 model = 0;
            for (uint256 i = 0; i < h.stateTensors; ++i) {
                p += 2 + 4 * Encoding.u8(p + 1) + STATE_EXTRA;
                model |= Encoding.u8(p - STATE_EXTRA);
                uint256 stepOp = Encoding.u16(p - 2);
                if (Encoding.u16(p - 4) >= h.initOps) return Fault.Source;
                if (stepOp != UNCHANGED && stepOp >= h.stepOps) return Fault.Source;
            }
            // Without a parameter there is no model to submit.
            return model == 0 ? Fault.Structure : Fault.None;
        }
    }
}
