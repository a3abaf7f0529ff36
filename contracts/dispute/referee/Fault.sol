// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @dev What is wrong with a program's encoding; the same classes as the engine's checker has.
enum Fault {
    None,
    /// Bytes that no encoding has.
    Structure,
    /// Beyond a hard limit.
    Limit,
    /// Not what the primitive table asks for.
    Type,
    /// An operand names what is not there.
    Source,
    /// An access that leaves its tensor without a guard, or 32 bits.
    Access
}
