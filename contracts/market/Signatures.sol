// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";

import {IMarketBase} from "../interfaces/IMarketBase.sol";
import {IStaking} from "../interfaces/IStaking.sol";
import {Raw} from "../libraries/Raw.sol";
import {Acceptance, ACCEPTANCE_TYPEHASH} from "../types/Acceptance.sol";
import {Offer, OFFER_TYPEHASH} from "../types/Offer.sol";
import {Request, REQUEST_TYPEHASH} from "../types/Request.sol";
import {SignOff, SIGN_OFF_TYPEHASH} from "../types/SignOff.sol";
import {Submission, SUBMISSION_TYPEHASH} from "../types/Submission.sol";

/// @title Signatures: EIP-712 digests, and who may sign for whom
/// @dev Documented in {IMarket}.
abstract contract Signatures is IMarketBase, EIP712 {
    /// @dev Gas a contract wallet gets to look at a signature: enough for a multisig or a passkey, and a bound on what a
    /// hostile one can cost whoever carries a batch.
    uint256 private constant WALLET_GAS = 400_000;

    IStaking internal immutable _staking;

    constructor(IStaking staking_) EIP712("Assay", "1") {
        _staking = staking_;
    }

    function _requestDigest(Request calldata request) internal view returns (bytes32) {
        return _hashTypedDataV4(Raw.structHash(REQUEST_TYPEHASH, Raw.words(request)));
    }

    function _acceptanceDigest(Acceptance calldata acceptance) internal view returns (bytes32) {
        return _hashTypedDataV4(Raw.structHash(ACCEPTANCE_TYPEHASH, Raw.words(acceptance)));
    }

    function _submissionDigest(Submission calldata submission) internal view returns (bytes32) {
        return _hashTypedDataV4(Raw.structHash(SUBMISSION_TYPEHASH, Raw.words(submission)));
    }

    function _signOffDigest(SignOff calldata signOff) internal view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(SIGN_OFF_TYPEHASH, signOff)));
    }

    function _offerDigest(Offer calldata offer) internal view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(OFFER_TYPEHASH, offer)));
    }

    function _requireSigned(address signer, bytes32 digest, bytes calldata signature) internal view {
        (address recovered, , ) = ECDSA.tryRecoverCalldata(digest, signature);
        if (!_isBy(signer, recovered, digest, signature)) revert MarketBadSignature(signer);
    }

    function _requireSignedForProvider(address provider, bytes32 digest, bytes calldata signature) internal view {
        if (!_isSignedForProvider(provider, digest, signature)) revert MarketBadSignature(provider);
    }

    function _isSignedForProvider(
        address provider,
        bytes32 digest,
        bytes calldata signature
    ) internal view returns (bool) {
        (address recovered, , ) = ECDSA.tryRecoverCalldata(digest, signature);
        if (_isBy(provider, recovered, digest, signature)) return true;
        return recovered != address(0) && _staking.isOperator(provider, recovered);
    }

    /// @dev By the provider, or by a key that was its operator at `time` or later.
    function _requireSignedSince(
        address provider,
        uint256 time,
        bytes32 digest,
        bytes calldata signature
    ) internal view {
        (address recovered, , ) = ECDSA.tryRecoverCalldata(digest, signature);
        bool answers = recovered != address(0) && _staking.answersFor(provider, recovered, time);
        if (!answers && !_isBy(provider, recovered, digest, signature)) revert MarketBadSignature(provider);
    }

    function _isBy(
        address signer,
        address recovered,
        bytes32 digest,
        bytes calldata signature
    ) private view returns (bool) {
        if (recovered == signer) return signer != address(0);
        return signer.code.length != 0 && _isApprovedByWallet(signer, digest, signature);
    }

    /// @dev ERC-1271 with bounded gas, and one word of return data however much comes back.
    function _isApprovedByWallet(
        address wallet,
        bytes32 digest,
        bytes calldata signature
    ) private view returns (bool approved) {
        bytes memory data = abi.encodeCall(IERC1271.isValidSignature, (digest, signature));
        bytes32 answer;
        assembly ("memory-safe") {
            approved := staticcall(WALLET_GAS, wallet, add(data, 0x20), mload(data), 0x00, 0x20)
            approved := and(approved, gt(returndatasize(), 0x1f))
            answer := mload(0x00)
        }
        return approved && answer == bytes32(IERC1271.isValidSignature.selector);
    }
}
