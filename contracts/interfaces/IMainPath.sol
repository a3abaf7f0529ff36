// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Acceptance} from "../types/Acceptance.sol";
import {Job} from "../types/Job.sol";
import {JobState} from "../types/JobState.sol";
import {Pair} from "../types/Pair.sol";
import {Request} from "../types/Request.sol";
import {SignOff} from "../types/SignOff.sol";
import {Submission} from "../types/Submission.sol";

/// @title The main path: agreed, submitted, settled
interface IMainPath {
    /// @notice Makes a job of a request and an acceptance under it. Anyone may call; until `exclusiveUntil` only the
    /// request's matcher. The matcher's fee is due only where the matcher itself calls.
    /// @dev Checks that the record at (`parentRoot`, `parentIndex`) exists, and that it holds `startRoot` at `startStep`.
    function agree(
        Request calldata request,
        bytes calldata requestSignature,
        Acceptance calldata acceptance,
        bytes calldata acceptanceSignature
    ) external returns (bytes32 jobId);
    /// @notice Agrees every pair that passes; a failing pair is reported and changes nothing.
    /// @return jobIds Zero where a pair was left out.
    function agreeBatch(Pair[] calldata pairs) external returns (bytes32[] memory jobIds);

    /// @notice As `agree`, with the four in one struct.
    function agreePair(Pair calldata pair) external returns (bytes32 jobId);

    /// @notice The provider or one of its operators submits the result of a job that is due in full.
    function submit(Job calldata job, Submission calldata submission) external;
    /// @notice As `submit`, by anyone with the signature of the provider or an operator.
    function submitSigned(Job calldata job, Submission calldata submission, bytes calldata signature) external;
    /// @notice Carries several submissions signed by operators; a failing one is reported and changes nothing.
    function submitBatch(Job[] calldata jobs, Submission[] calldata submissions, bytes[] calldata signatures) external;

    /// @notice Pays out once the window is over and no dispute is live. Anyone may call.
    function settle(Job calldata job) external;
    /// @notice Settles every job that is due; a failing one is reported and changes nothing.
    function settleBatch(Job[] calldata jobs) external;
    /// @notice Pays out before the window is over with the requester's sign-off, never with a live dispute.
    function settleSignedOff(Job calldata job, SignOff calldata signOff, bytes calldata signature) external;

    function stateOf(bytes32 jobId) external view returns (JobState);
    /// @notice Whether `job` is the record stored under its id.
    function isRecord(Job calldata job) external view returns (bool);
    function requestDigest(Request calldata request) external view returns (bytes32);
    function acceptanceDigest(Acceptance calldata acceptance) external view returns (bytes32);
    function submissionDigest(Submission calldata submission) external view returns (bytes32);
    /// @notice Jobs of this request, or of another plain one with its nonce, that are open or settled.
    function placesTaken(Request calldata request) external view returns (uint256);

    /// @notice The contract whose code runs for `ISidePaths`.
    function sidePaths() external view returns (address);
    function staking() external view returns (address);
    function reputation() external view returns (address);
    function provenance() external view returns (address);
    function parameters() external view returns (address);
}
