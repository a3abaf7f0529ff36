// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IDisputes} from "../interfaces/IDisputes.sol";
import {Job} from "../types/Job.sol";
import {IDisputeBase} from "./IDisputeBase.sol";
import {Bindings, Claims, Position, TensorProof} from "./Position.sol";

/// @title Moves: what the two sides of a game do, and how it ends
/// @notice Levels, moves and why the right side wins: `README.md` beside this file. Every move shows the position that the last
/// event told; a move out of turn, after the flag, or whose hashes do not fit reverts and changes nothing.
/// @dev Moves may come from operators of the account whose turn it is.
interface IMoves is IDisputes, IDisputeBase {
    /// @notice Shows the 16 children of the disputed node.
    function open(uint256 gameId, Position calldata p, bytes32[16] calldata children) external;
    /// @notice Names the wrong child, with the children as they were opened (all zero where the tree is one leaf), or with 16 the
    /// list's last entry.
    function point(uint256 gameId, Position calldata p, bytes32[16] calldata children, uint256 pick) external;
    /// @notice From a checkpoint to the states of the steps before it inside the interval: `rest` is the tree over all but the last.
    function crossSteps(
        uint256 gameId,
        Position calldata p,
        Bindings calldata b,
        bytes32 rest,
        bytes32[16] calldata children
    ) external;
    /// @notice From the state after one step, or the initial one, to its tensors.
    function crossState(
        uint256 gameId,
        Position calldata p,
        Bindings calldata b,
        bytes32[16] calldata children
    ) external;
    /// @notice From a state tensor or an evaluation output to the outputs of the ops before the one that feeds it.
    function crossTensor(
        uint256 gameId,
        Position calldata p,
        Bindings calldata b,
        bytes calldata header,
        bytes32 rest,
        bytes32[16] calldata children
    ) external;
    /// @notice From an op's output to its chunks; the op is proven under its list's root.
    function crossOp(
        uint256 gameId,
        Position calldata p,
        Bindings calldata b,
        bytes calldata op,
        bytes32[15][] calldata proof,
        bytes32 chunks,
        bytes32[16] calldata children
    ) external;
    /// @notice From an element of a fold of several terms to its accumulators, committed as a tensor is.
    function crossTerms(uint256 gameId, Position calldata p, bytes32 root, bytes32[16] calldata children) external;
    /// @notice Shows the bytes of the disputed chunk.
    function reveal(uint256 gameId, Position calldata p, bytes calldata chunk) external;
    /// @notice Names the first wrong element of the chunk shown.
    function pointElement(uint256 gameId, Position calldata p, bytes calldata chunk, uint256 place) external;
    /// @notice Claims what the scalar operation reads: the contract computes it and it must give the disputed bits.
    function judge(
        uint256 gameId,
        Position calldata p,
        Bindings calldata b,
        bytes calldata op,
        Claims calldata claims
    ) external;
    /// @notice Names the wrong claim: 0–2 an operand's value, 3–5 its row, 6 the accumulator. Where the row is wrong, that one first.
    function pointClaim(uint256 gameId, Position calldata p, uint8 claim) external;
    /// @notice Proves the claim pointed at: the challenger has lost. A claim that the op itself fixes needs no proof.
    function prove(
        uint256 gameId,
        Position calldata p,
        Bindings calldata b,
        bytes calldata op,
        Claims calldata claims,
        TensorProof calldata proof
    ) external;
    /// @notice Proves that a tensor which steps leave alone is that of the state before: the challenger has lost.
    function proveUnchanged(
        uint256 gameId,
        Position calldata p,
        Bindings calldata b,
        bytes calldata header,
        bytes32 state,
        bytes32[15][] calldata stateProof,
        bytes32[15][] calldata proof
    ) external;
    /// @notice Proves that a tensor of the model is that of the last state: the challenger has lost.
    function proveParameter(
        uint256 gameId,
        Position calldata p,
        Bindings calldata b,
        bytes calldata header,
        bytes32[15][] calldata proof
    ) external;
    /// @notice Ends a game about a root that the record fixes: `C_0` where the request names `startRoot`, and the root over nothing.
    function compare(uint256 gameId, Position calldata p, Bindings calldata b, Job calldata job) external;
    /// @notice Ends a game whose provider let its clock run out.
    function timeoutProvider(uint256 gameId, Position calldata p, Job calldata job) external;
    /// @notice Ends a game whose challenger let its clock run out.
    function timeoutChallenger(uint256 gameId, Position calldata p) external;
}
