// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Acceptance} from "../../../contracts/types/Acceptance.sol";
import {Job} from "../../../contracts/types/Job.sol";
import {Request} from "../../../contracts/types/Request.sol";
import {Base} from "./Base.sol";

/// @dev Requests with two places, and the jobs that take them.
abstract contract Twins is Base {
    bytes32 internal constant SALT = "salt";

    function twin(uint64 nonce) internal view returns (Request memory request) {
        request = plainRequest();
        request.nonce = nonce;
        request.replicas = 2;
        request.expiry = uint40(START + 1 hours);
    }

    function acceptanceOf(Request memory request, uint64 nonce) internal view returns (Acceptance memory acceptance) {
        acceptance = plainAcceptance(request);
        acceptance.nonce = nonce;
    }

    function auditedTwins() internal returns (Job memory first, Job memory second) {
        Request memory request = twin(1);
        request.auditLine = uint128(ONE / 10);
        first = agree(pairOf(request));
        second = agree(pairOf(request, acceptanceOf(request, 2)));
        first = commit(first, submissionOf(first, 10), SALT);
        second = commit(second, submissionOf(second, 10), SALT);
    }

    function committedTwins() internal returns (Job memory first, Job memory second) {
        first = agree(pairOf(twin(1)));
        second = agree(pairOf(twin(1), acceptanceOf(twin(1), 2)));
        first = commit(first, submissionOf(first, 10), SALT);
        second = commit(second, submissionOf(second, 10), SALT);
    }
}
