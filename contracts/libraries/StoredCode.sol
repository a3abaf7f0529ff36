// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Create2} from "@openzeppelin/contracts/utils/Create2.sol";

/// @title StoredCode: bytes kept as the code of a contract that cannot run
/// @notice Cheaper than storage from about two words on, to write and to read, and nobody can change it. The first byte
/// of the code is a STOP, so that the data behind it never runs.
library StoredCode {
    error StoredCodeFailed();
    /// Nothing is being written: the contract has no such function.
    error StoredCodeNothingPending();

    /// @dev Returns everything behind itself as code: PUSH1 11, CODESIZE, SUB, DUP1, PUSH1 11, PUSH0, CODECOPY, PUSH0,
    /// RETURN; and then the STOP.
    bytes12 private constant CREATION = 0x600b380380600b5f395ff300;

    /// @dev Asks its creator what to return as code: four PUSH0, CALLER, GAS, STATICCALL; RETURNDATASIZE, two PUSH0,
    /// RETURNDATACOPY; RETURNDATASIZE, PUSH0, RETURN. The same for all data, so that the address follows from the salt.
    bytes14 private constant ASKING = 0x5f5f5f5f335afa3d5f5f3e3d5ff3;
    bytes32 private constant ASKING_HASH = keccak256(hex"5f5f5f5f335afa3d5f5f3e3d5ff3");

    /// @dev Anywhere.
    function write(bytes memory data) internal returns (address pointer) {
        bytes memory creation = bytes.concat(CREATION, data);
        assembly ("memory-safe") {
            pointer := create(0, add(creation, 0x20), mload(creation))
        }
        if (pointer == address(0)) revert StoredCodeFailed();
    }

    /// @dev At `addressOf(salt)`, once. The fallback of the calling contract must be `serve`. Transient storage carries the
    /// data there: its length, then its words.
    function writeAt(bytes32 salt, bytes memory data) internal {
        address pointer;
        bytes14 asking = ASKING;
        assembly ("memory-safe") {
            let length := mload(data)
            tstore(0, length)
            for {
                let i := 0
            } lt(i, length) {
                i := add(i, 0x20)
            } {
                tstore(add(i, 0x20), mload(add(add(data, 0x20), i)))
            }
            mstore(0, asking)
            pointer := create2(0, 0, 14, salt)
            tstore(0, 0)
        }
        if (pointer == address(0)) revert StoredCodeFailed();
    }

    /// @dev Ends the call with what is being written.
    function serve() internal view {
        uint256 length;
        assembly ("memory-safe") {
            length := tload(0)
        }
        if (length == 0) revert StoredCodeNothingPending();
        assembly ("memory-safe") {
            let free := mload(0x40)
            mstore(free, 0)
            for {
                let i := 0
            } lt(i, length) {
                i := add(i, 0x20)
            } {
                mstore(add(add(free, 1), i), tload(add(i, 0x20)))
            }
            return(free, add(length, 1))
        }
    }

    /// @dev Where `writeAt(salt, …)` of this contract puts its data.
    function addressOf(bytes32 salt) internal view returns (address) {
        return Create2.computeAddress(salt, ASKING_HASH);
    }

    /// @dev Empty for an address that holds nothing.
    function read(address pointer) internal view returns (bytes memory data) {
        uint256 size = pointer.code.length;
        if (size < 2) return "";
        data = new bytes(size - 1);
        assembly ("memory-safe") {
            extcodecopy(pointer, add(data, 0x20), 1, sub(size, 1))
        }
    }
}
