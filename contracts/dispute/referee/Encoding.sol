// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Limits} from "./Limits.sol";

/// @dev An op as its encoding says, without its operands, which are read where they stand.
struct Op {
    bool fold;
    uint256 opcode;
    /// Of the output: 0 for f32, 1 for i32.
    uint256 dtype;
    uint256 outRank;
    /// Sizes of the coordinates, output dimensions and then reduction dimensions, and how many there are. The first is in the
    /// highest of 256 bits, 32 bits each.
    uint256 sizes;
    uint256 rank;
    uint256 elements;
    uint256 terms;
    /// Bits of a fold's first accumulator.
    uint256 initial;
    uint256 operands;
    /// Where the operands begin in calldata, 64 bits each, the first in the lowest.
    uint256 starts;
}

/// @dev One operand where it stands in calldata: pointers to its parts.
struct Operand {
    uint256 kind;
    /// Index of the tensor, or the immediate's bits.
    uint256 word;
    /// Dtype byte of an immediate.
    uint256 dtype;
    /// Offset and strides of the address.
    uint256 affine;
    uint256 guards;
    uint256 firstGuard;
    bool indirect;
    /// Kind and index of the rows' tensor, and offset and strides of its address; what follows these.
    uint256 tableKind;
    uint256 tableIndex;
    uint256 tableAffine;
    int256 rowStride;
    uint256 rowLimit;
    /// First byte after the operand.
    uint256 end;
}

/// @title Encoding: the bytes of an op that a program root commits to
/// @notice The inverse of `services/engine/ir/encode.ts`: all numbers big-endian, and exactly one encoding for each op.
/// @dev A place is an absolute position in calldata. Reading past the end of an encoding is harmless and is seen at the end,
/// where the length must come out: every loop is bounded by a byte that was checked first.
library Encoding {
    uint256 internal constant VALUE = 0;
    uint256 internal constant STATE = 1;
    uint256 internal constant DATA = 2;
    uint256 internal constant IMMEDIATE = 3;
    uint256 internal constant STEP = 4;
    uint256 internal constant INDEX = 5;
    uint256 internal constant PARENT = 6;

    uint256 private constant KINDS = 7;
    uint256 private constant AT_BITS = 64;

    /// @notice Whether the bytes are an op's encoding, and the op. Checks nothing but the form of the bytes.
    function decode(bytes calldata encoding) internal pure returns (bool ok, Op memory op) {
        unchecked {
            uint256 start;
            assembly ("memory-safe") {
                start := encoding.offset
            }
            uint256 p = start;
            uint256 form = u8(p);
            op.fold = form == 1;
            op.opcode = u8(p + 1);
            op.dtype = u8(p + 2);
            if (form > 1 || op.dtype > 1) return (false, op);

            uint256 rank = u8(p + 3);
            if (rank > Limits.RANK) return (false, op);
            op.outRank = rank;
            (op.sizes, op.elements) = _dimensions(p + 4, rank);
            p += 4 + 4 * rank;
            op.terms = 1;
            if (op.fold) {
                uint256 more = u8(p);
                if (more > Limits.RANK) return (false, op);
                uint256 sizes;
                (sizes, op.terms) = _dimensions(p + 1, more);
                op.sizes |= sizes >> (32 * rank);
                p += 1 + 4 * more;
                op.initial = u32(p);
                p += 4;
                rank += more;
            }
            op.rank = rank;
            op.operands = u8(p++);
            if (op.operands > Limits.OPERANDS) return (false, op);
            for (uint256 k = 0; k < op.operands; ++k) {
                op.starts |= p << (AT_BITS * k);
                (ok, p) = _skip(p, rank);
                if (!ok) return (false, op);
            }
            return (p == start + encoding.length, op);
        }
    }

    /// @notice Operand `k < op.operands` of a decoded op.
    function operand(Op memory op, uint256 k) internal pure returns (Operand memory x) {
        unchecked {
            uint256 p = uint64(op.starts >> (AT_BITS * k));
            uint256 affineBytes = 4 + 4 * op.rank;
            x.kind = u8(p);
            x.word = u32(p + 1);
            p += 5;
            if (x.kind == IMMEDIATE) x.dtype = u8(p++);
            x.affine = p;
            p += affineBytes;
            x.guards = u8(p);
            x.firstGuard = p + 1;
            p += 1 + x.guards * (affineBytes + 4);
            x.indirect = u8(p++) == 1;
            if (x.indirect) {
                x.tableKind = u8(p);
                x.tableIndex = u32(p + 1);
                x.tableAffine = p + 5;
                p += 5 + affineBytes;
                x.rowStride = i32(p);
                x.rowLimit = u32(p + 4);
                p += 8;
            }
            x.end = p;
        }
    }

    /// @notice Where guard `g` of an operand stands, and its limit.
    function guard(Op memory op, Operand memory x, uint256 g) internal pure returns (uint256 affine, uint256 limit) {
        unchecked {
            affine = x.firstGuard + g * (8 + 4 * op.rank);
            limit = u32(affine + 4 + 4 * op.rank);
        }
    }

    /// @notice Whether a source of this kind is a tensor.
    function isTensor(uint256 kind) internal pure returns (bool) {
        return kind < IMMEDIATE || kind == PARENT;
    }

    /// @notice Size of coordinate `d`.
    function size(Op memory op, uint256 d) internal pure returns (uint256) {
        unchecked {
            return uint32(op.sizes >> (224 - 32 * d));
        }
    }

    /// @notice Dimensions of the output, the first in the highest of 128 bits.
    function dims(Op memory op) internal pure returns (uint128) {
        unchecked {
            uint256 unused = 256 - 32 * op.outRank;
            return uint128(((op.sizes >> unused) << unused) >> 128);
        }
    }

    function u8(uint256 p) internal pure returns (uint256 value) {
        assembly ("memory-safe") {
            value := byte(0, calldataload(p))
        }
    }

    function u16(uint256 p) internal pure returns (uint256 value) {
        assembly ("memory-safe") {
            value := shr(240, calldataload(p))
        }
    }

    function u32(uint256 p) internal pure returns (uint256 value) {
        assembly ("memory-safe") {
            value := shr(224, calldataload(p))
        }
    }

    function i32(uint256 p) internal pure returns (int256 value) {
        assembly ("memory-safe") {
            value := signextend(3, shr(224, calldataload(p)))
        }
    }

    /// @dev `rank` dimensions in the highest bits, and their product: below 2^128.
    function _dimensions(uint256 p, uint256 rank) private pure returns (uint256 sizes, uint256 product) {
        unchecked {
            product = 1;
            for (uint256 d = 0; d < rank; ++d) {
                uint256 dimension = u32(p + 4 * d);
                sizes |= dimension << (224 - 32 * d);
                product *= dimension;
            }
        }
    }

    /// @dev Checks the form of an operand and gives the place after it.
    function _skip(uint256 p, uint256 rank) private pure returns (bool ok, uint256 end) {
        unchecked {
            uint256 kind = u8(p);
            uint256 word = u32(p + 1);
            p += 5;
            if (kind >= KINDS || ((kind == STEP || kind == INDEX) && word != 0)) return (false, p);
            if (kind == IMMEDIATE && u8(p++) > 1) return (false, p);
            uint256 affineBytes = 4 + 4 * rank;
            p += affineBytes;
            uint256 guards = u8(p);
            if (guards > Limits.GUARDS) return (false, p);
            p += 1 + guards * (affineBytes + 4);
            uint256 indirect = u8(p++);
            if (indirect > 1) return (false, p);
            if (indirect == 1) {
                if (!isTensor(u8(p))) return (false, p);
                p += 13 + affineBytes;
            }
            return (true, p);
        }
    }
}
