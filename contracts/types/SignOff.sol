// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @dev The requester's signature that it has the result and is content; ends the challenge window early.
struct SignOff {
    bytes32 jobId;
    bytes32 traceRoot;
}

bytes32 constant SIGN_OFF_TYPEHASH = keccak256("SignOff(bytes32 jobId,bytes32 traceRoot)");
