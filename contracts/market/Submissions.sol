// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IMainPath} from "../interfaces/IMainPath.sol";
import {Raw} from "../libraries/Raw.sol";
import {Work} from "../libraries/Work.sol";
import {Job, Terms} from "../types/Job.sol";
import {JobState} from "../types/JobState.sol";
import {Submission} from "../types/Submission.sol";
import {Agreements} from "./Agreements.sol";

/// @title Submissions: results of jobs that are due in full
/// @dev Documented in {IMainPath}.
abstract contract Submissions is Agreements {
    using Work for Terms;

    /// @dev Where the signature begins in the arguments of `submitSigned`: behind both structs and this offset.
    uint256 private constant SIGNATURE_OFFSET = 1408 + 224 + 32;

    /// @inheritdoc IMainPath
    function submit(Job calldata job, Submission calldata submission) external {
        _requireProvider(job);
        _submit(job, submission);
    }

    /// @inheritdoc IMainPath
    function submitSigned(Job calldata job, Submission calldata submission, bytes calldata signature) external {
        _requireSignedForProvider(job.terms.provider, _submissionDigest(submission), signature);
        _submit(job, submission);
    }

    /// @inheritdoc IMainPath
    function submitBatch(Job[] calldata jobs, Submission[] calldata submissions, bytes[] calldata signatures) external {
        if (submissions.length != jobs.length) revert MarketLengthMismatch(jobs.length, submissions.length);
        if (signatures.length != jobs.length) revert MarketLengthMismatch(jobs.length, signatures.length);
        for (uint256 i = 0; i < jobs.length; ++i) {
            uint256 mark = _mark();
            (bool ok, bytes memory result) = _try(
                bytes.concat(
                    this.submitSigned.selector,
                    Raw.words(jobs[i]),
                    Raw.words(submissions[i]),
                    abi.encode(SIGNATURE_OFFSET, signatures[i].length),
                    signatures[i]
                )
            );
            if (!ok) emit SubmissionSkipped(i, jobs[i].terms.jobId, result);
            _release(mark);
        }
    }

    function _submit(Job calldata job, Submission calldata submission) private {
        _requireState(job, JobState.Active);
        if (_mustCommit(job.terms.replicas, job.terms.auditLine)) revert MarketCommitFirst(job.terms.jobId);
        _requireInTime(job);
        uint256 last = job.terms.checkpoints();
        if (submission.checkpoint != last) revert MarketBadCheckpoint(submission.checkpoint, last);
        _stand(job, submission, last, block.timestamp);
    }
}
