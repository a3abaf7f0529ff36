// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @dev What a requester asks for and will pay at most. Signed (EIP-712); binds the requester until it expires or is
/// cancelled. All static, so that its struct hash is one `keccak256` over the ABI encoding.
struct Request {
    address requester;
    /// Makes otherwise equal requests distinct and lets one be cancelled, in any order; of requests for one job that share a
    /// nonce only one can be agreed. Counting up is cheapest: 128 of them share a slot.
    uint64 nonce;
    /// Commitment to the program (header and op lists) and to the data set's columns.
    bytes32 programRoot;
    bytes32 dataRoot;
    /// SHA-256 digests of the dag-pb root blocks (CIDv1) under which program and data set can be fetched.
    bytes32 programCid;
    bytes32 dataCid;
    /// State to start from at `startStep`; both zero to run the program's init ops.
    bytes32 startRoot;
    uint32 startStep;
    /// Artifact this job continues or fine-tunes and the place of its record in `provenanceOf`; zero for none.
    bytes32 parentRoot;
    uint32 parentIndex;
    /// Key of all randomness of the job.
    uint64 seed;
    /// Version of the arithmetic and of the primitive table.
    uint16 numerics;
    /// 0: tensor program (can be disputed); 1: container (paid as the requester countersigns).
    uint8 executor;
    /// 0: public, anyone may read data, program and model, and so re-run the job.
    uint8 access;
    /// How many providers may run it side by side.
    uint8 replicas;
    /// Steps of the whole run and steps between two checkpoints.
    uint32 steps;
    uint32 interval;
    /// Work units of init, of one step and of evaluation.
    uint64 initUnits;
    uint64 stepUnits;
    uint64 evalUnits;
    /// Seconds allotted from agreement to submission.
    uint32 runTime;
    /// Last second at which the request can be agreed.
    uint40 expiry;
    /// Until then only `matcher` may carry it to the market.
    uint40 exclusiveUntil;
    /// Matcher that earns `matcherFee`; zero for none.
    address matcher;
    uint128 matcherFee;
    /// Ceiling of everything the requester can lose by this job, in token base units.
    uint128 maximum;
    /// Part set aside to pay auditors; returned where no audit takes place.
    uint128 auditLine;
    /// Least collateral a provider must lock, and the damage the requester states it would suffer.
    uint128 minCollateral;
    uint128 statedLoss;
    /// Highest protocol fee the requester accepts, in basis points of the price.
    uint16 maxProtocolFeeBps;
    /// Hash of the off-chain constraints (hardware, region, weights of the score), so that they are signed too.
    bytes32 constraintsHash;
}

bytes32 constant REQUEST_TYPEHASH = keccak256(
    "Request(address requester,uint64 nonce,bytes32 programRoot,bytes32 dataRoot,bytes32 programCid,bytes32 dataCid,bytes32 startRoot,uint32 startStep,bytes32 parentRoot,uint32 parentIndex,uint64 seed,uint16 numerics,uint8 executor,uint8 access,uint8 replicas,uint32 steps,uint32 interval,uint64 initUnits,uint64 stepUnits,uint64 evalUnits,uint32 runTime,uint40 expiry,uint40 exclusiveUntil,address matcher,uint128 matcherFee,uint128 maximum,uint128 auditLine,uint128 minCollateral,uint128 statedLoss,uint16 maxProtocolFeeBps,bytes32 constraintsHash)"
);
