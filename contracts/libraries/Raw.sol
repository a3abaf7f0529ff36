// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Acceptance} from "../types/Acceptance.sol";
import {Job, Progress, Terms} from "../types/Job.sol";
import {Request} from "../types/Request.sol";
import {Submission} from "../types/Submission.sol";

/// @title Raw: static structs as the words they already are
/// @notice In calldata a static struct is its ABI encoding, and in memory a flat one is too. Taking these words as they
/// stand instead of encoding them again saves most of the market's code and much of its gas. The words are not cleaned:
/// what is hashed here is compared with a hash of clean words, and fields are checked where they are read.
library Raw {
    uint256 private constant TERMS = 34 * 32;
    uint256 private constant PROGRESS = 10 * 32;

    function words(Job calldata job) internal pure returns (bytes calldata data) {
        assembly ("memory-safe") {
            data.offset := job
            data.length := add(TERMS, PROGRESS)
        }
    }

    function words(Request calldata request) internal pure returns (bytes calldata data) {
        assembly ("memory-safe") {
            data.offset := request
            data.length := 992
        }
    }

    function words(Acceptance calldata acceptance) internal pure returns (bytes calldata data) {
        assembly ("memory-safe") {
            data.offset := acceptance
            data.length := 224
        }
    }

    function words(Submission calldata submission) internal pure returns (bytes calldata data) {
        assembly ("memory-safe") {
            data.offset := submission
            data.length := 224
        }
    }

    /// @dev `keccak256(abi.encode(terms, progress))`.
    function hash(Terms memory terms, Progress memory progress) internal pure returns (bytes32 result) {
        assembly ("memory-safe") {
            let free := mload(0x40)
            mcopy(free, terms, TERMS)
            mcopy(add(free, TERMS), progress, PROGRESS)
            result := keccak256(free, add(TERMS, PROGRESS))
        }
    }

    /// @dev `keccak256(abi.encode(terms, progress))`.
    function rehash(Terms calldata terms, Progress memory progress) internal pure returns (bytes32 result) {
        assembly ("memory-safe") {
            let free := mload(0x40)
            calldatacopy(free, terms, TERMS)
            mcopy(add(free, TERMS), progress, PROGRESS)
            result := keccak256(free, add(TERMS, PROGRESS))
        }
    }

    /// @dev `keccak256(abi.encode(typehash, struct))`: the EIP-712 hash of a struct of static fields.
    function structHash(bytes32 typehash, bytes calldata fields) internal pure returns (bytes32 result) {
        assembly ("memory-safe") {
            let free := mload(0x40)
            mstore(free, typehash)
            calldatacopy(add(free, 0x20), fields.offset, fields.length)
            result := keccak256(free, add(fields.length, 0x20))
        }
    }
}
