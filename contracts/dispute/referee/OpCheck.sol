// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Encoding, Op, Operand} from "./Encoding.sol";
import {Fault} from "./Fault.sol";
import {Limits} from "./Limits.sol";
import {Primitives} from "./Primitives.sol";

/// @dev What an operand's source is known to be: `elements | dtype << 32 | 1 << 40`, or 0 if there is no such tensor.
type TensorType is uint256;

/// @title OpCheck: whether an op may be in a program
/// @notice Gives the verdict of the engine's checker (`services/engine/ir/check-op.ts`) on one op.
library OpCheck {
    using Encoding for Op;

    int256 private constant I32_MIN = -(2 ** 31);
    int256 private constant I32_MAX = 2 ** 31 - 1;

    /// @notice A tensor of this dtype byte and size.
    function typeOf(uint256 dtype, uint256 elements) internal pure returns (TensorType) {
        return TensorType.wrap(elements | (dtype << 32) | (1 << 40));
    }

    /// @notice What is wrong with an op, or nothing.
    /// @param types Of what operand `k` reads, at `2k`, and of its rows' tensor, at `2k + 1`, as far as they are there.
    function faultOf(bytes calldata encoding, TensorType[6] memory types) internal pure returns (Fault) {
        (bool ok, Op memory op) = Encoding.decode(encoding);
        if (!ok) return Fault.Structure;
        if (encoding.length > Limits.OP_BYTES || !_withinLimits(op)) return Fault.Limit;

        uint256 signature = Primitives.signatureOf(op.opcode);
        if (signature == 0 || op.fold != op.opcode >= Primitives.FOLDS) return Fault.Type;
        uint256 own = op.dtype == 0 ? Primitives.F32 : Primitives.I32;
        uint256 result = signature >> 6;
        if (result != Primitives.ANY && result != own) return Fault.Type;
        if (op.operands != _arity(signature)) return Fault.Type;
        for (uint256 k = 0; k < op.operands; ++k) {
            (Fault fault, uint256 dtype) = _operandFault(op, op.operand(k), types[2 * k], types[2 * k + 1]);
            if (fault != Fault.None) return fault;
            uint256 wants = (signature >> (2 * k)) & 3;
            if (wants == Primitives.ANY) wants = own;
            if (wants != (dtype == 0 ? Primitives.F32 : Primitives.I32)) return Fault.Type;
        }
        return Fault.None;
    }

    function _withinLimits(Op memory op) private pure returns (bool) {
        return op.elements > 0 && op.elements <= Limits.ELEMENTS && op.terms > 0 && op.terms <= Limits.FOLD_TERMS;
    }

    function _arity(uint256 signature) private pure returns (uint256) {
        if (signature & 0x30 != 0) return 3;
        return signature & 0x0c != 0 ? 2 : 1;
    }

    function _operandFault(
        Op memory op,
        Operand memory x,
        TensorType source,
        TensorType table
    ) private pure returns (Fault fault, uint256 dtype) {
        (int256 low, int256 high) = _range(op, x.affine);
        if (!_fits(low, high)) return (Fault.Access, 0);
        for (uint256 g = 0; g < x.guards; ++g) {
            (uint256 affine, uint256 limit) = op.guard(x, g);
            if (!_isLimit(limit)) return (Fault.Structure, 0);
            (int256 from, int256 to) = _range(op, affine);
            if (!_fits(from, to)) return (Fault.Access, 0);
        }
        if (!Encoding.isTensor(x.kind)) {
            if (x.indirect) return (Fault.Access, 0);
            if (x.kind == Encoding.INDEX) return (Fault.None, 1);
            if (!_isZero(op, x.affine)) return (Fault.Access, 0);
            return (Fault.None, x.kind == Encoding.STEP ? 1 : x.dtype);
        }
        if (TensorType.unwrap(source) == 0) return (Fault.Source, 0);
        if (x.indirect) {
            fault = _rowFault(op, x, table);
            if (fault != Fault.None) return (fault, 0);
            int256 reach = x.rowStride * (int256(x.rowLimit) - 1);
            if (reach < 0) low += reach;
            else high += reach;
            if (!_fits(low, high)) return (Fault.Access, 0);
        } else if (x.guards == 0 && (low < 0 || high >= _elements(source))) {
            return (Fault.Access, 0);
        }
        return (Fault.None, _dtype(source));
    }

    function _rowFault(Op memory op, Operand memory x, TensorType table) private pure returns (Fault) {
        if (TensorType.unwrap(table) == 0) return Fault.Source;
        if (_dtype(table) != 1) return Fault.Type;
        if (!_isLimit(x.rowLimit)) return Fault.Structure;
        (int256 low, int256 high) = _range(op, x.tableAffine);
        if (!_fits(low, high)) return Fault.Access;
        return x.guards == 0 && (low < 0 || high >= _elements(table)) ? Fault.Access : Fault.None;
    }

    /// @dev Least and greatest value of an access over all coordinates. Sizes are below 2^28, so nothing overflows.
    function _range(Op memory op, uint256 p) private pure returns (int256 low, int256 high) {
        unchecked {
            low = Encoding.i32(p);
            high = low;
            for (uint256 d = 0; d < op.rank; ++d) {
                int256 reach = Encoding.i32(p + 4 + 4 * d) * (int256(op.size(d)) - 1);
                if (reach < 0) low += reach;
                else high += reach;
            }
        }
    }

    function _isZero(Op memory op, uint256 p) private pure returns (bool) {
        for (uint256 i = 0; i <= op.rank; ++i) if (Encoding.u32(p + 4 * i) != 0) return false;
        return true;
    }

    function _fits(int256 low, int256 high) private pure returns (bool) {
        return low >= I32_MIN && high <= I32_MAX;
    }

    function _isLimit(uint256 limit) private pure returns (bool) {
        return limit > 0 && int256(limit) <= I32_MAX;
    }

    function _elements(TensorType t) private pure returns (int256) {
        return int256(uint256(uint32(TensorType.unwrap(t))));
    }

    function _dtype(TensorType t) private pure returns (uint256) {
        return (TensorType.unwrap(t) >> 32) & 0xff;
    }
}
