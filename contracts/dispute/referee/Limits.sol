// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @dev What a program may not exceed: the referee's copy of `services/engine/ir/limits.ts`, held equal by the vector file. Work
/// units of an interval are not here: they follow from all ops together and are capped where a job is agreed.
library Limits {
    uint256 internal constant RANK = 4;
    uint256 internal constant OPERANDS = 3;
    uint256 internal constant GUARDS = 4;
    uint256 internal constant OPS = 4096;
    uint256 internal constant STATE_TENSORS = 1024;
    uint256 internal constant DATA_TENSORS = 64;
    uint256 internal constant OUTPUTS = 64;
    uint256 internal constant OP_BYTES = 1024;
    uint256 internal constant ELEMENTS = 2 ** 28;
    uint256 internal constant DATA_ELEMENTS = 2 ** 31 - 1;
    uint256 internal constant FOLD_TERMS = 2 ** 24;
    uint256 internal constant STEPS = 2 ** 31 - 1;
    uint256 internal constant CHECKPOINTS = 2 ** 20;
    uint256 internal constant STATE_BYTES = 2 ** 34;
}
