// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @dev A provider's signature under one request at one price, given after its agent has fetched the inputs and
/// recomputed roots and units. Its EIP-712 digest is the job's id.
struct Acceptance {
    bytes32 requestDigest;
    /// The staker; an operator key of this staker may sign.
    address provider;
    /// Token base units per work unit, fixed point with 18 decimals.
    uint256 unitPrice;
    /// Stake to lock for this job.
    uint128 collateral;
    /// Unordered: lets one provider accept the same request again after a failed try.
    uint64 nonce;
    /// Last second at which it can be agreed.
    uint40 expiry;
    /// Version of the parameters that the provider has read: it must still be the newest.
    uint32 paramsVersion;
}

bytes32 constant ACCEPTANCE_TYPEHASH = keccak256(
    "Acceptance(bytes32 requestDigest,address provider,uint256 unitPrice,uint128 collateral,uint64 nonce,uint40 expiry,uint32 paramsVersion)"
);
