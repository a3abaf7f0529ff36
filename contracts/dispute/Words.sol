// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Bindings, Claims, Position} from "./Position.sol";

/// @title Words: structs of static fields as the words they already are
/// @notice In calldata such a struct is its ABI encoding, and in memory, without structs inside, too. Words shown by a player are
/// not cleaned: what is hashed here is compared with a hash of clean ones before it is used.
library Words {
    uint256 internal constant POSITION = 30 * 32;
    uint256 private constant BINDINGS = 20 * 32;
    uint256 private constant CLAIMS = 7 * 32;
    uint256 private constant CHILDREN = 16 * 32;

    /// @dev `keccak256(abi.encode(p))`, as the next four.
    function hash(Position calldata p) internal pure returns (bytes32) {
        uint256 start;
        assembly ("memory-safe") {
            start := p
        }
        return _hash(start, POSITION);
    }

    function hash(Bindings calldata b) internal pure returns (bytes32) {
        uint256 start;
        assembly ("memory-safe") {
            start := b
        }
        return _hash(start, BINDINGS);
    }

    function hash(Claims calldata claims) internal pure returns (bytes32) {
        uint256 start;
        assembly ("memory-safe") {
            start := claims
        }
        return _hash(start, CLAIMS);
    }

    function hash(bytes32[16] calldata children) internal pure returns (bytes32) {
        uint256 start;
        assembly ("memory-safe") {
            start := children
        }
        return _hash(start, CHILDREN);
    }

    function hashOf(Position memory p) internal pure returns (bytes32 result) {
        assembly ("memory-safe") {
            result := keccak256(p, POSITION)
        }
    }

    function hashOf(Bindings memory b) internal pure returns (bytes32 result) {
        assembly ("memory-safe") {
            result := keccak256(b, BINDINGS)
        }
    }

    /// @dev A copy of a position whose hash was found right.
    function copy(Position calldata p) internal pure returns (Position memory next) {
        assembly ("memory-safe") {
            next := mload(0x40)
            mstore(0x40, add(next, POSITION))
            calldatacopy(next, p, POSITION)
        }
    }

    function _hash(uint256 start, uint256 size) private pure returns (bytes32 result) {
        assembly ("memory-safe") {
            let free := mload(0x40)
            calldatacopy(free, start, size)
            result := keccak256(free, size)
        }
    }
}
