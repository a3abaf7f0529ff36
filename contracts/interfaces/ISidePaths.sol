// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Job} from "../types/Job.sol";
import {Offer} from "../types/Offer.sol";
import {Request} from "../types/Request.sol";
import {SignOff} from "../types/SignOff.sol";
import {Submission} from "../types/Submission.sol";

/// @title Side paths: everything that can happen to a request or a job beside the main path
/// @notice These functions are called at the market's own address, which lends its storage to their code.
interface ISidePaths {
    /// @notice Puts a signed request on chain for every matcher to see.
    function announce(Request calldata request, bytes calldata signature) external;
    /// @notice Makes every request of the caller with this nonce void. Jobs already agreed go on.
    function cancelNonce(uint64 nonce) external;
    /// @notice Makes this request of the caller void, and with it, where it is for one job that need not commit, its nonce.
    /// Jobs already agreed go on.
    function cancelRequest(Request calldata request) external;
    /// @notice Commits to a submission of an audited or replicated job (`auditLine` or `replicas − 1` not zero), before the
    /// deadline: `commitment` is `commitmentOf(submission, salt)`.
    function commit(Job calldata job, bytes32 commitment) external;
    /// @notice Shows what was committed: from when all replicas have committed or the last of their deadlines passed, and
    /// auditors of each of them had their time, for `revealTime`.
    function reveal(Job calldata job, Submission calldata submission, bytes32 salt) external;

    /// @notice The requester wants no more work: the provider has the receipt grace from now on, and no more, to submit, commit,
    /// or present its latest receipt. Until the deadline.
    function stop(Job calldata job) external;
    /// @notice Presents a receipt, after the deadline or a stop and within the grace time. Anyone may call; a receipt for a
    /// later checkpoint replaces an earlier one until the grace time is over, and the last one stands from the second after. Not for jobs that must commit: a prefix shown
    /// to others could be copied, so these are paid in full or not at all.
    function submitReceipt(Job calldata job, Submission calldata receipt, bytes calldata signature) external;
    /// @notice Shows a receipt, by anyone and at any time, and so rules out those of the same provider and job for earlier
    /// checkpoints: whoever presents one in front of the provider, to change the record under its call, has no more of them.
    function showReceipt(address provider, Submission calldata receipt, bytes calldata signature) external;
    /// @notice Ends a job of which nothing was presented, or nothing revealed, in time. A share of the collateral is burned,
    /// unless the job was stopped before anything was committed.
    function expire(Job calldata job) external;
    /// @notice Slashes a provider that signed two different submissions for one checkpoint of an open job. Anyone may call;
    /// the caller earns the reward, which burns while a game or demand about the job is live or its auditors have their time: it may be theirs. The signature of the submission that stands may be left empty; a key that was the
    /// provider's operator at any time since the job was agreed signs for it here.
    function slashConflict(
        Job calldata job,
        Submission calldata first,
        bytes calldata firstSignature,
        Submission calldata second,
        bytes calldata secondSignature
    ) external;

    /// @notice The draw of a committed job is resolved, and its auditors have until `auditUntil`: no replica of its request is revealed before.
    /// The dispute game of the job's version only, once for a job.
    function noteDraw(Job calldata job, uint40 auditUntil) external;
    /// @notice The provider lost a game: its escrow goes back to the requester, its collateral through the waterfall
    /// (costs, reward, damages; never less than the burn share is burned). The dispute game of the job's version only.
    /// @param winner Receives costs and reward; the game itself where they are to be shared; zero where they are to burn.
    /// @param costs Winner's measured costs in token base units, paid as far as the collateral allows.
    function slash(Job calldata job, address winner, uint256 costs) external;
    /// @notice The requester's own program or data breaks the hard limits: all money goes back and nobody is slashed.
    /// The dispute game of the job's version only.
    function voidJob(Job calldata job) external;
    /// @notice Puts a lost challenge on the requester's record. The dispute game of the job's version only.
    function noteLostChallenge(Job calldata job, address challenger) external;
    function signOffDigest(SignOff calldata signOff) external view returns (bytes32);
    /// @notice What `submit` makes of a submission's roots: `sha256(0x05 ‖ uint32 checkpoint ‖ roots)`.
    function traceRootOf(Submission calldata submission) external pure returns (bytes32);
    function offerDigest(Offer calldata offer) external view returns (bytes32);
    /// @notice `keccak256(abi.encode(submissionDigest(submission), salt))`.
    function commitmentOf(Submission calldata submission, bytes32 salt) external view returns (bytes32);
    /// @notice Whether the request was cancelled, by its nonce or by itself.
    function isCancelled(Request calldata request) external view returns (bool);
}
