// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {ListRoots} from "./Position.sol";

/// @dev Where the fault is.
enum Place {
    /// The header breaks a limit or is no header.
    Header,
    /// An op breaks a limit, its types, or reads what is not there.
    Op,
    /// A state tensor is declared as something else than the op gives that feeds it.
    State,
    /// A column of the data set is something else than the program declares.
    Data,
    /// Steps or interval of the header are not those of the request.
    Terms,
    /// A tensor of the parent's model is something else than the program declares.
    Parent
}

/// @dev An op that another one reads, with its proof; empty where the source is none.
struct SourceOp {
    bytes op;
    bytes32[15][] proof;
}

/// @dev What shows a fault. Fields that its place does not need are ignored.
struct Evidence {
    Place place;
    /// What the program root is the hash of.
    bytes header;
    ListRoots lists;
    /// The op: its list (0 init, 1 step, 2 eval), index and encoding, proven in the list.
    uint8 list;
    uint16 index;
    bytes op;
    bytes32[15][] proof;
    /// The ops that make the values it reads, in the order of the referee's outline.
    SourceOp[6] sources;
    /// State tensor or column.
    uint32 tensor;
    /// The column's root in the data set, and what it is the hash of.
    bytes32[15][] columnProof;
    uint8 dtype;
    uint8 rank;
    uint128 dims;
    bytes32 chunks;
}

/// @title ProgramFaults: whether what a requester signed can be run and judged at all
/// @notice Finds fault where the engine's checker does, except work units beyond their limit, which follow from all ops together.
interface IProgramFaults {
    /// The evidence is not about this program, or does not hash to it.
    error FaultsWrongEvidence();

    /// @notice Whether the evidence shows a fault of the program with this root, or of what was signed with it: its data set, the model
    /// it continues, its steps and interval.
    function isAtFault(
        bytes32 programRoot,
        bytes32 dataRoot,
        bytes32 parentRoot,
        uint32 steps,
        uint32 interval,
        Evidence calldata evidence
    ) external view returns (bool);
}
