// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Address} from "@openzeppelin/contracts/utils/Address.sol";

import {Crossing} from "./Crossing.sol";
import {IMoves} from "./IMoves.sol";
import {IProofs} from "./IProofs.sol";
import {Bindings, Claims, Level, Phase, Position, STEP, TensorProof} from "./Position.sol";
import {Position as Place} from "./referee/Access.sol";
import {Words} from "./Words.sol";

/// @title Judgement: the scalar, and the one claim that is proven
abstract contract Judgement is Crossing {
    uint8 private constant ROWS = 3;
    uint8 private constant ACCUMULATOR = 6;

    /// @inheritdoc IMoves
    function judge(
        uint256 gameId,
        Position calldata p,
        Bindings calldata b,
        bytes calldata op,
        Claims calldata claims
    ) external {
        Position memory next = _begin(gameId, p, Phase.Judge);
        _requireBindings(p, b);
        _requireEncoding(p, op);
        uint32 accumulator = p.accumulatorKnown ? p.accumulator : claims.accumulator;
        uint32 bits = _referee.judge(op, _place(p), accumulator, claims.values, claims.rows, b.seed);
        if (bits != p.bits) revert DisputeWrongScalar(p.bits, bits);
        next.shown = Words.hash(claims);
        next.phase = Phase.Claim;
        emit Claimed(gameId, claims);
        _end(gameId, next);
    }

    /// @inheritdoc IMoves
    function pointClaim(uint256 gameId, Position calldata p, uint8 claim) external {
        Position memory next = _begin(gameId, p, Phase.Claim);
        uint256 operand = claim < ROWS ? claim : claim - ROWS;
        if (claim != ACCUMULATOR && operand >= p.operands) revert DisputeNoSuchPlace(claim, p.operands);
        next.claim = claim;
        next.phase = Phase.Prove;
        _end(gameId, next);
    }

    /// @inheritdoc IMoves
    function prove(
        uint256 gameId,
        Position calldata p,
        Bindings calldata b,
        bytes calldata op,
        Claims calldata claims,
        TensorProof calldata /* proof */
    ) external {
        _begin(gameId, p, Phase.Prove);
        _requireBindings(p, b);
        _requireEncoding(p, op);
        bytes32 hash = Words.hash(claims);
        if (hash != p.shown) revert DisputeMismatch(p.shown, hash);
        _requireProven(IProofs.prove.selector);
        _challengerLoses(gameId, p, true);
    }

    /// @inheritdoc IMoves
    function proveUnchanged(
        uint256 gameId,
        Position calldata p,
        Bindings calldata b,
        bytes calldata header,
        bytes32 /* state */,
        bytes32[15][] calldata /* stateProof */,
        bytes32[15][] calldata /* proof */
    ) external {
        _begin(gameId, p, Phase.Cross);
        _requireBindings(p, b);
        _requireLevel(p, Level.State);
        _requireHeader(b, header);
        _requireProven(IProofs.proveUnchanged.selector);
        _challengerLoses(gameId, p, true);
    }

    /// @inheritdoc IMoves
    function proveParameter(
        uint256 gameId,
        Position calldata p,
        Bindings calldata b,
        bytes calldata header,
        bytes32[15][] calldata /* proof */
    ) external {
        _begin(gameId, p, Phase.Cross);
        _requireBindings(p, b);
        _requireLevel(p, Level.Model);
        _requireHeader(b, header);
        _requireProven(IProofs.proveParameter.selector);
        _challengerLoses(gameId, p, true);
    }

    /// @dev The arguments of this call go on as they came: the function of that selector takes the same ones.
    function _requireProven(bytes4 selector) private view {
        bytes memory answer = Address.functionStaticCall(address(_proofs), bytes.concat(selector, msg.data[4:]));
        if (!abi.decode(answer, (bool))) revert DisputeNotProven();
    }

    function _requireEncoding(Position calldata p, bytes calldata op) private pure {
        bytes32 hash = keccak256(op);
        if (hash != p.opHash) revert DisputeMismatch(p.opHash, hash);
    }

    /// @dev A step's ops read the number of steps before it.
    function _place(Position calldata p) private pure returns (Place memory) {
        return Place({element: p.element, term: p.term, step: p.list == STEP ? p.step - 1 : p.step});
    }
}
