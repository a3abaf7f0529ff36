// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Float32} from "../../libraries/Float32.sol";
import {Permutation} from "../../libraries/Permutation.sol";
import {Philox} from "../../libraries/Philox.sol";

/// @title Primitives: the closed table of what a scalar can be
/// @notice The same table as `services/engine/ir/primitives.ts`, opcode by opcode, and the same bits. Every primitive is total.
/// @dev Values are 32 bits in the low end of a word with zeros above: f32 patterns, or i32 in two's complement.
library Primitives {
    /// Types in the table: none, f32, i32, or the type of the result.
    uint256 internal constant NONE = 0;
    uint256 internal constant F32 = 1;
    uint256 internal constant I32 = 2;
    uint256 internal constant ANY = 3;
    /// First opcode of a fold.
    uint256 internal constant FOLDS = 0x40;

    // A byte an opcode, two bits each: result, third, second and first operand. From 0x00, from 0x20, from 0x40.
    bytes32 private constant MAPS = 0x00c3454545454145454141858585fe814281428a8a8a8a8a8a8a8a8a8a8a8a8a;
    bytes32 private constant RANDOM = 0xaaaa000000000000000000000000000000000000000000000000000000000000;
    bytes32 private constant FOLDED = 0x4541414182000000000000000000000000000000000000000000000000000000;

    uint256 private constant WORD = 0xffffffff;
    uint256 private constant FLIP = 0x80000000;
    /// The dtype byte of an f32.
    uint256 private constant DTYPE_F32 = 0;

    /// @notice Types of an opcode as one byte, two bits each: result, third, second, first operand. 0 if there is no such one.
    /// For a fold the accumulator is not among the operands and has the result's type.
    function signatureOf(uint256 opcode) internal pure returns (uint256 signature) {
        if (opcode == 0) return 0;
        bytes32 row =
            opcode < 0x20
                ? MAPS
                : opcode < FOLDS
                    ? RANDOM
                    : opcode < 0x60
                        ? FOLDED
                        : bytes32(0);
        assembly ("memory-safe") {
            signature := byte(and(opcode, 0x1f), row)
        }
    }

    /// @notice The primitive on bits. `acc` is ignored by maps; operands the primitive does not have are ignored.
    /// @param dtype Of the result: 0 for f32, 1 for i32.
    function evaluate(
        uint256 opcode,
        uint256 dtype,
        uint256 acc,
        uint256 x,
        uint256 y,
        uint256 z,
        uint64 seed
    ) internal pure returns (uint256) {
        if (opcode >= FOLDS) return _fold(opcode, acc, x, y);
        if (opcode >= 0x20) return opcode == 0x20 ? Philox.word(x, y, z, seed) : Permutation.position(x, y, z, seed);
        if (opcode >= 0x13) return _integer(opcode, x, y);
        if (opcode < 0x0b) return _float(opcode, dtype, x, y);
        if (opcode < 0x0e) {
            bool holds =
                opcode == 0x0b
                    ? Float32.lt(x, y)
                    : opcode == 0x0c
                        ? Float32.le(x, y)
                        : Float32.eq(x, y);
            return holds ? 1 : 0;
        }
        if (opcode == 0x0e) return _typed(dtype, x == 0 ? z : y);
        if (opcode == 0x0f) return Float32.toInt(x);
        if (opcode == 0x10) return Float32.fromInt(x);
        // Between bits and numbers nothing changes but NaN, which has one pattern on both sides.
        return Float32.canonical(x);
    }

    /// @notice The bits of a value of this type: any NaN of an f32 is the one NaN.
    function _typed(uint256 dtype, uint256 bits) private pure returns (uint256) {
        return dtype == DTYPE_F32 ? Float32.canonical(bits) : bits;
    }

    function _float(uint256 opcode, uint256 dtype, uint256 x, uint256 y) private pure returns (uint256) {
        if (opcode < 0x05) {
            if (opcode == 0x01) return _typed(dtype, x);
            if (opcode == 0x02) return Float32.add(x, y);
            if (opcode == 0x03) return Float32.sub(x, y);
            return Float32.mul(x, y);
        }
        if (opcode == 0x05) return Float32.div(x, y);
        if (opcode == 0x06) return Float32.sqrt(x);
        if (opcode == 0x07) return Float32.min(x, y);
        if (opcode == 0x08) return Float32.max(x, y);
        return opcode == 0x09 ? Float32.neg(x) : Float32.abs(x);
    }

    function _fold(uint256 opcode, uint256 acc, uint256 x, uint256 y) private pure returns (uint256) {
        if (opcode == 0x40) return Float32.add(acc, Float32.mul(x, y));
        if (opcode == 0x41) return Float32.add(acc, x);
        if (opcode == 0x42) return Float32.max(acc, x);
        if (opcode == 0x43) return Float32.min(acc, x);
        unchecked {
            return (acc + x) & WORD;
        }
    }

    function _integer(uint256 opcode, uint256 x, uint256 y) private pure returns (uint256 r) {
        unchecked {
            if (opcode == 0x13) return (x + y) & WORD;
            if (opcode == 0x14) return (x - y) & WORD;
            if (opcode == 0x15) return (x * y) & WORD;
            if (opcode < 0x18) {
                // The EVM divides as the table wants: toward zero, and by zero gives zero, also for the remainder's quotient.
                uint256 q;
                assembly ("memory-safe") {
                    q := sdiv(signextend(3, x), signextend(3, y))
                }
                return (opcode == 0x16 ? q : x - q * y) & WORD;
            }
            if (opcode < 0x1b)
                return
                    opcode == 0x18
                        ? x & y
                        : opcode == 0x19
                            ? x | y
                            : x ^ y;
            if (opcode < 0x1e) {
                uint256 count = y & 31;
                if (opcode == 0x1b) return (x << count) & WORD;
                if (opcode == 0x1d) return x >> count;
                assembly ("memory-safe") {
                    r := and(sar(count, signextend(3, x)), WORD)
                }
                return r;
            }
            bool holds = opcode == 0x1e ? x ^ FLIP < y ^ FLIP : x == y;
            return holds ? 1 : 0;
        }
    }
}
