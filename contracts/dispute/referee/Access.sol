// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Float32} from "../../libraries/Float32.sol";
import {Encoding, Op, Operand} from "./Encoding.sol";

/// @dev A place in a run: which output element, which term of its fold (0 for a map), in which step.
struct Position {
    uint32 element;
    uint32 term;
    /// The number that the source `step` reads.
    uint32 step;
}

/// @dev How an operand comes by its value at one place.
enum Route {
    /// The op itself fixes it: an immediate, the step, the address.
    Fixed,
    /// A guard fails: +0.
    Guarded,
    /// The claimed row is outside its limit: +0.
    NoRow,
    /// Element `element` of the tensor, or +0 where that, or the row's own element, is outside its tensor.
    Element
}

/// @dev What an operand reads at one place, given what its row is claimed to be.
struct Reading {
    Route route;
    /// The value, except by {Route.Element}.
    uint32 bits;
    /// Tensor and flat element, by {Route.Element}; below 0 or beyond the tensor it reads +0.
    uint8 kind;
    uint32 index;
    int256 element;
    /// Whether a row is read at all: by {Route.Element} or {Route.NoRow}, with an indirection.
    bool indirect;
    /// Tensor and flat element that hold the row; outside the tensor there is no row and the operand reads +0.
    uint8 rowKind;
    uint32 rowIndex;
    int256 rowElement;
}

/// @title Access: where an operand points at one place of an op
library Access {
    using Encoding for Op;

    uint256 private constant LAST_INT = 0x7fffffff;

    /// @notice Coordinates of a place, 32 bits each, the first in the highest: `element` over the output's dimensions and `term` over
    /// the reduction's, row-major. Both are inside.
    function coordinates(Op memory op, uint256 element, uint256 term) internal pure returns (uint256 point) {
        unchecked {
            uint256 d = op.rank;
            while (d > op.outRank) {
                uint256 size = op.size(--d);
                point |= (term % size) << (224 - 32 * d);
                term /= size;
            }
            while (d > 0) {
                uint256 size = op.size(--d);
                point |= (element % size) << (224 - 32 * d);
                element /= size;
            }
        }
    }

    /// @notice `offset + Σ stride · coordinate` of the access that stands at `p`.
    function affineAt(uint256 p, uint256 point, uint256 rank) internal pure returns (int256 value) {
        assembly ("memory-safe") {
            value := signextend(3, shr(224, calldataload(p)))
            for {
                let end := add(p, shl(2, rank))
            } lt(p, end) {} {
                p := add(p, 4)
                value := add(value, mul(signextend(3, shr(224, calldataload(p))), shr(224, point)))
                point := shl(32, point)
            }
        }
    }

    /// @notice What operand `x` reads at coordinates `point`. `row` is the claimed row as an i32 with zeros above, ignored without
    /// an indirection.
    function read(
        Op memory op,
        Operand memory x,
        uint256 point,
        uint256 step,
        uint256 row
    ) internal pure returns (Reading memory reading) {
        unchecked {
            for (uint256 g = 0; g < x.guards; ++g) {
                (uint256 affine, uint256 limit) = op.guard(x, g);
                // A negative value is above every limit.
                if (uint256(affineAt(affine, point, op.rank)) >= limit) {
                    reading.route = Route.Guarded;
                    return reading;
                }
            }
            if (x.kind == Encoding.IMMEDIATE) {
                reading.bits = uint32(x.dtype == 0 ? Float32.canonical(x.word) : x.word);
                return reading;
            }
            if (x.kind == Encoding.STEP) {
                reading.bits = uint32(step);
                return reading;
            }
            int256 value = affineAt(x.affine, point, op.rank);
            if (x.kind == Encoding.INDEX) {
                reading.bits = uint32(uint256(value));
                return reading;
            }
            if (x.indirect) {
                reading.indirect = true;
                reading.rowKind = uint8(x.tableKind);
                reading.rowIndex = uint32(x.tableIndex);
                reading.rowElement = affineAt(x.tableAffine, point, op.rank);
                if (row > LAST_INT || row >= x.rowLimit) {
                    reading.route = Route.NoRow;
                    return reading;
                }
                value += int256(row) * x.rowStride;
            }
            reading.route = Route.Element;
            reading.kind = uint8(x.kind);
            reading.index = uint32(x.word);
            reading.element = value;
        }
    }
}
