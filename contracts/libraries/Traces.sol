// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Submission} from "../types/Submission.sol";

/// @title Traces: the root that a submission stands for
library Traces {
    bytes1 private constant TAG = 0x05;

    /// @dev SHA-256 of `0x05 ‖ uint32 k ‖ tree over C_0 … C_{k−1} ‖ C_k ‖ model root ‖ evaluation root`.
    function root(Submission calldata submission) internal pure returns (bytes32) {
        return
            sha256(
                abi.encodePacked(
                    TAG,
                    submission.checkpoint,
                    submission.prefixRoot,
                    submission.stateRoot,
                    submission.modelRoot,
                    submission.evalRoot
                )
            );
    }
}
