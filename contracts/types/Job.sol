// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @dev Everything that agreement fixes. Never changes.
struct Terms {
    /// EIP-712 digest of the acceptance.
    bytes32 jobId;
    bytes32 requestDigest;
    /// Of the request.
    uint64 nonce;
    address requester;
    address provider;
    /// Earns `matcherFee` at settlement; zero for none.
    address matcher;
    bytes32 programRoot;
    bytes32 dataRoot;
    bytes32 startRoot;
    bytes32 parentRoot;
    uint32 parentIndex;
    uint32 startStep;
    uint32 steps;
    uint32 interval;
    uint64 initUnits;
    uint64 stepUnits;
    uint64 evalUnits;
    uint64 seed;
    uint16 numerics;
    uint8 executor;
    uint8 access;
    uint8 replicas;
    /// Token base units: the provider's pay for the whole job, the fees on top, and what is set aside for audits.
    uint128 price;
    uint128 protocolFee;
    uint128 matcherFee;
    uint128 auditLine;
    /// Stake locked by the provider; damage stated by the requester.
    uint128 collateral;
    uint128 statedLoss;
    /// Receives the protocol fee, and judges disputes: zero while there is no game.
    address treasury;
    address disputes;
    uint40 agreedAt;
    uint40 deadline;
    /// Seconds of the challenge window.
    uint32 window;
    uint32 paramsVersion;
}

/// @dev What has happened to a job since.
struct Progress {
    /// Salted commitment of an audited or replicated job, and when it was made.
    bytes32 commitment;
    uint40 committedAt;
    /// When the requester stopped it; zero if it did not.
    uint40 stoppedAt;
    /// From when the submission stands and until when it can be challenged. A receipt stands from the second after
    /// the grace time; before that a receipt for a later checkpoint replaces it.
    uint40 submittedAt;
    uint40 windowEnd;
    /// The standing submission: checkpoint, trace root and the roots that go into provenance.
    uint32 checkpoint;
    bytes32 traceRoot;
    bytes32 stateRoot;
    bytes32 modelRoot;
    bytes32 evalRoot;
}

/// @dev The record of a job. The market stores only `keccak256(abi.encode(job))` with its last byte replaced by the state;
/// callers show the record again at each transition, and every event carries what is needed to keep it.
struct Job {
    Terms terms;
    Progress progress;
}
