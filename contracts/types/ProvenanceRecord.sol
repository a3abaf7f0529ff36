// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Assurance} from "./Assurance.sol";

/// @dev The permanent record behind an artifact: which job made it, from what, by whom, and how far it was checked.
struct ProvenanceRecord {
    bytes32 jobId;
    bytes32 programRoot;
    bytes32 dataRoot;
    /// Artifact it was made from and the place of that artifact's record; zero for none.
    bytes32 parentRoot;
    uint32 parentIndex;
    /// State a successor can start from, and the step it is due at.
    bytes32 stateRoot;
    uint32 step;
    /// Commitment to the evaluation outputs; zero for none.
    bytes32 evalRoot;
    bytes32 traceRoot;
    uint64 seed;
    uint16 numerics;
    address requester;
    address provider;
    /// What the provider was paid, in token base units.
    uint128 price;
    uint40 settledAt;
    Assurance assurance;
    /// How many replicas of the request had revealed this same result, this one included.
    uint8 agreeing;
}
