// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Assurance} from "../types/Assurance.sol";
import {Progress, Terms} from "../types/Job.sol";
import {JobState} from "../types/JobState.sol";
import {Request} from "../types/Request.sol";

/// @title What the market says: events, and errors with the values they are about
interface IMarketBase {
    /// A job came to be: escrow and collateral are locked. With `programCid` and `dataCid`, all that is needed to run it
    /// again; `Progress` is all zero.
    event Agreed(
        bytes32 indexed jobId,
        address indexed requester,
        address indexed provider,
        Terms terms,
        bytes32 programCid,
        bytes32 dataCid
    );
    /// A member of a batch was left out and changed nothing; `reason` is the revert data.
    event PairSkipped(uint256 indexed place, bytes32 indexed requestDigest, bytes reason);
    event SubmissionSkipped(uint256 indexed place, bytes32 indexed jobId, bytes reason);
    event SettlementSkipped(uint256 indexed place, bytes32 indexed jobId, bytes reason);
    event Announced(bytes32 indexed requestDigest, address indexed requester, Request request, bytes signature);
    event NonceCancelled(address indexed requester, uint64 nonce);
    event RequestCancelled(bytes32 indexed requestDigest, address indexed requester);
    event CommitmentMade(bytes32 indexed jobId, bytes32 commitment, uint40 committedAt);
    /// A result stands, or a receipt replaced another.
    event Submitted(bytes32 indexed jobId, Progress progress, bytes32 prefixRoot, bytes32 modelCid);
    event Stopped(bytes32 indexed jobId, uint40 stoppedAt);
    /// No receipt for an earlier checkpoint is taken of this provider for this job any more.
    event ReceiptShown(bytes32 indexed jobId, address indexed provider, uint32 checkpoint);
    /// `paid` went to the provider, `refunded` back to the requester, and the fees where the terms say.
    event Settled(
        bytes32 indexed jobId,
        Assurance assurance,
        uint256 paid,
        uint256 refunded,
        uint256 protocolFee,
        uint256 matcherFee
    );
    event Expired(bytes32 indexed jobId, uint256 refunded, uint256 penalty);
    /// The escrow went back to the requester; of the collateral, `reward` went to the winner, `damages` to the requester,
    /// the rest was burned.
    event Slashed(
        bytes32 indexed jobId,
        address indexed winner,
        uint256 refunded,
        uint256 reward,
        uint256 damages,
        uint256 burned
    );
    event Voided(bytes32 indexed jobId, uint256 refunded);

    /// The other contracts were made for another market.
    error MarketMiswired(address module);
    error MarketPaused(uint256 until);
    error MarketBadSignature(address signer);
    error MarketRequestExpired(uint256 expiry);
    error MarketAcceptanceExpired(uint256 expiry);
    error MarketRequestCancelled(bytes32 requestDigest);
    error MarketWrongRequest(bytes32 expected, bytes32 actual);
    error MarketWrongParams(uint256 expected, uint256 actual);
    error MarketExclusive(address matcher, uint256 until);
    error MarketNoPlaceLeft(bytes32 requestDigest, uint256 replicas);
    error MarketAboveMaximum(uint256 total, uint256 maximum);
    error MarketFeeAboveCap(uint256 fee, uint256 cap);
    error MarketPriceRoundsToZero();
    error MarketInsufficientCollateral(uint256 offered, uint256 needed);
    /// Steps, interval, numerics, executor, access, replicas, run time or start are not ones the market knows.
    error MarketUnsupportedRequest(bytes32 field);
    /// Replicas are being revealed: whoever agreed now could copy one. Or one that has committed is due, and would be kept
    /// waiting.
    error MarketRevealed(bytes32 requestDigest);
    /// The parent's record starts a successor from this state and step.
    error MarketParentMismatch(bytes32 stateRoot, uint256 step);
    error MarketJobExists(bytes32 jobId);
    /// The record shown is not the one stored.
    error MarketWrongRecord(bytes32 jobId);
    error MarketWrongState(bytes32 jobId, JobState actual);
    error MarketWrongJob(bytes32 expected, bytes32 actual);
    error MarketNotProvider(bytes32 jobId, address caller);
    error MarketNotRequester(address requester, address caller);
    error MarketBadCheckpoint(uint256 checkpoint, uint256 last);
    error MarketBadSubmission(bytes32 field);
    error MarketWrongTrace(bytes32 expected, bytes32 actual);
    error MarketTooEarly(uint256 nowAt, uint256 allowedAt);
    error MarketTooLate(uint256 nowAt, uint256 allowedUntil);
    /// The job is audited or replicated and must commit before it submits, or must not.
    error MarketCommitFirst(bytes32 jobId);
    error MarketNoCommitNeeded(bytes32 jobId);
    error MarketWrongReveal(bytes32 expected, bytes32 actual);
    error MarketNoConflict(bytes32 jobId);
    error MarketDisputeLive(bytes32 jobId);
    error MarketNotDisputes(address caller);
    error MarketLengthMismatch(uint256 expected, uint256 actual);
}
