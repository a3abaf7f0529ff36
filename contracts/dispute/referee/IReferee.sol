// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Position, Reading} from "./Access.sol";
import {Fault} from "./Fault.sol";
import {TensorType} from "./OpCheck.sol";

/// @dev What an op's encoding says of the tensor it makes and of what it reads.
struct Outline {
    bool fold;
    uint8 opcode;
    /// Of the output: 0 for f32, 1 for i32; the first dimension in the highest of 128 bits.
    uint8 dtype;
    uint8 rank;
    uint128 dims;
    uint256 elements;
    /// Terms of a fold, 1 for a map.
    uint256 terms;
    uint8 operands;
    /// Source of operand `k` at `2k` and of its rows at `2k + 1`: `kind << 32 | index`, an immediate's bits for an index;
    /// `ABSENT_SOURCE` where there is none.
    uint64[6] sources;
}

/// @dev What a program's header counts.
struct Summary {
    Fault fault;
    uint16 initOps;
    uint16 stepOps;
    uint16 evalOps;
    uint16 stateTensors;
    uint16 dataTensors;
    uint16 parentTensors;
    uint16 outputs;
    /// State tensors that make up the model.
    uint16 parameters;
}

/// @title Referee: one scalar operation, run by the contract itself
/// @notice Pure functions of an op's encoding, which the caller has proven under the program root. Who plays, on what clock and
/// what for is none of its business. Every value is 32 bits: an f32 pattern or an i32 in two's complement.
///
/// The values that an op reads from tensors are claimed by the caller; those that the op itself fixes (immediates, the
/// step, addresses, what a guard or a row outside its limit turns into +0) are computed here and no claim changes them.
///
/// Warning: encodings that {faultOf} finds fault with are judged by the same rules as far as their bytes can be read; whoever
/// relies on a verdict gives the other side the chance to show the fault first.
interface IReferee {
    /// @notice These bytes are no op's encoding.
    error RefereeBadEncoding();
    /// @notice The op has no such output element, term or operand.
    error RefereeOutside(uint256 given, uint256 limit);

    /// @notice One evaluation of the op's primitive: the output element of a map, or a fold's accumulator after term `place.term`.
    /// @param accumulator Claimed accumulator before that term; of no meaning in a map, and before the first term, where it is the
    /// op's own initial one.
    /// @param values Claimed operand values: what the operand reads, +0 where its address is outside the tensor.
    /// @param rows Claimed rows of operands with an indirection.
    /// @param seed The job's.
    function judge(
        bytes calldata op,
        Position calldata place,
        uint32 accumulator,
        uint32[3] calldata values,
        uint32[3] calldata rows,
        uint64 seed
    ) external pure returns (uint32 bits);

    /// @notice What operand `operand` reads there: either its value, or the tensor and element that it must be proven against,
    /// given the claimed row; and where that row is.
    function locate(
        bytes calldata op,
        Position calldata place,
        uint256 operand,
        uint32 row
    ) external pure returns (Reading memory reading);

    /// @notice What the op makes and what it reads.
    function outline(bytes calldata op) external pure returns (Outline memory);

    /// @notice What is wrong with an op: {Fault.None} exactly where the engine's checker passes it.
    /// @param types Of the tensors that `outline(op).sources` names, in that order: `elements | dtype << 32 | 1 << 40`, and 0 for a
    /// tensor that is not there (not declared, a later op, the state in `init`).
    function faultOf(bytes calldata op, TensorType[6] calldata types) external pure returns (Fault);

    /// @notice What is wrong with a program's header, and what it counts; the counts hold where nothing is wrong.
    function summary(bytes calldata header) external pure returns (Summary memory);

    /// @notice The ops that give state tensor `index` of a header its first and its next value; {Header.UNCHANGED} for a tensor
    /// that steps leave alone.
    function feedsOf(bytes calldata header, uint32 index) external pure returns (uint16 initOp, uint16 stepOp);

    /// @notice The op of the evaluation that gives output `index` of a header.
    function outputOp(bytes calldata header, uint32 index) external pure returns (uint16);

    /// @notice State tensor that is parameter `nth` of the model.
    function parameterAt(bytes calldata header, uint32 nth) external pure returns (uint32);

    /// @notice Type of a declared tensor for {faultOf}; 0 if the header, which is without fault, declares none. `kind` is that of
    /// a source: 1 state, 2 data, 6 parent.
    function declaredType(bytes calldata header, uint8 kind, uint32 index) external pure returns (TensorType);

    /// @notice Whether state tensor `index` of a header is declared as what an op gives that the header names for it: the op
    /// `initOp`, or `stepOp` where that is not {Header.UNCHANGED}.
    function givesState(bytes calldata header, uint32 index, bytes calldata op) external pure returns (bool);
}
