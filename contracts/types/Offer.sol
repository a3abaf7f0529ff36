// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @dev A provider's standing ask. Off chain only: an invitation that matching works from; it binds nobody.
struct Offer {
    address provider;
    uint64 nonce;
    /// Token base units per work unit, fixed point with 18 decimals.
    uint256 unitPrice;
    /// Most collateral the provider will lock for one job, and the largest stated loss it will answer for.
    uint128 maxCollateral;
    uint128 maxStatedLoss;
    /// Work units a second, as measured by the provider's own calibration.
    uint64 unitsPerSecond;
    /// Jobs at a time.
    uint16 capacity;
    /// Hash of the canonical JSON of hardware, region and limits.
    bytes32 descriptionHash;
    uint40 expiry;
}

bytes32 constant OFFER_TYPEHASH = keccak256(
    "Offer(address provider,uint64 nonce,uint256 unitPrice,uint128 maxCollateral,uint128 maxStatedLoss,uint64 unitsPerSecond,uint16 capacity,bytes32 descriptionHash,uint40 expiry)"
);
