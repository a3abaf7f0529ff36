// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @dev A provider's commitment to the first `checkpoint` intervals of a job. Sent on chain by the provider or an operator,
/// carried by anyone with an operator's signature, or, signed for a checkpoint before the last and kept off chain, a
/// receipt. Two different ones signed for the same job and checkpoint are slashable.
struct Submission {
    bytes32 jobId;
    uint32 checkpoint;
    /// Tree over the state roots `C_0 … C_{k−1}`, and `C_k`.
    bytes32 prefixRoot;
    bytes32 stateRoot;
    /// Tree over the parameter tensors of `C_k`: the artifact's identity.
    bytes32 modelRoot;
    /// Tree over the evaluation outputs; zero for a prefix.
    bytes32 evalRoot;
    /// SHA-256 digest of the dag-pb root block under which the model can be fetched.
    bytes32 modelCid;
}

bytes32 constant SUBMISSION_TYPEHASH = keccak256(
    "Submission(bytes32 jobId,uint32 checkpoint,bytes32 prefixRoot,bytes32 stateRoot,bytes32 modelRoot,bytes32 evalRoot,bytes32 modelCid)"
);
