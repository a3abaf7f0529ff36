// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Bindings, Claims, Position, TensorProof} from "./Position.sol";

/// @title Proofs: whether a provider's last move proves what was pointed at
/// @notice The functions take the arguments of those of the same names in {IDisputeGame}, which has found position, bindings,
/// program header, op and claims to be the game's own and passes its call on as it came.
interface IProofs {
    function prove(
        uint256 gameId,
        Position calldata p,
        Bindings calldata b,
        bytes calldata op,
        Claims calldata claims,
        TensorProof calldata proof
    ) external view returns (bool);

    function proveUnchanged(
        uint256 gameId,
        Position calldata p,
        Bindings calldata b,
        bytes calldata header,
        bytes32 state,
        bytes32[15][] calldata stateProof,
        bytes32[15][] calldata proof
    ) external view returns (bool);

    function proveParameter(
        uint256 gameId,
        Position calldata p,
        Bindings calldata b,
        bytes calldata header,
        bytes32[15][] calldata proof
    ) external view returns (bool);

    /// @notice Whether the proof shows chunk `chunk` of tensor `tensor` of a model of `parameters` tensors with this root.
    function holdsChunk(
        bytes32 modelRoot,
        uint256 parameters,
        uint256 tensor,
        uint256 chunk,
        TensorProof calldata proof
    ) external view returns (bool);
}
