// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @title Many views in one call: what lets a test ask thousands of questions in seconds
contract Batch {
    struct Answer {
        bool ok;
        bytes data;
    }

    function ask(address target, bytes[] calldata questions) external view returns (Answer[] memory answers) {
        answers = new Answer[](questions.length);
        for (uint256 i = 0; i < questions.length; ++i) {
            (answers[i].ok, answers[i].data) = target.staticcall(questions[i]);
        }
    }
}
