// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Assurance} from "../types/Assurance.sol";
import {Job, Terms} from "../types/Job.sol";
import {ProvenanceRecord} from "../types/ProvenanceRecord.sol";
import {Work} from "./Work.sol";

/// @title RecordCodec: a provenance record in 242 to 306 bytes
/// @notice Five roots (job, program, data, state, trace), the small numbers, the parties and the price; then the evaluation
/// root and the parent's root, each only where it is not zero.
library RecordCodec {
    using Work for Terms;

    uint256 private constant HAS_EVAL = 1;
    uint256 private constant HAS_PARENT = 2;
    uint256 private constant OPTIONAL = 242;

    /// @dev The record of a job that is settled now.
    function encode(
        Job calldata job,
        uint256 paid,
        Assurance assurance,
        uint8 agreeing
    ) internal view returns (bytes memory data) {
        bytes32 evalRoot = job.progress.evalRoot;
        bytes32 parentRoot = job.terms.parentRoot;
        uint256 present = (evalRoot == 0 ? 0 : HAS_EVAL) | (parentRoot == 0 ? 0 : HAS_PARENT);
        data = bytes.concat(
            abi.encodePacked(
                job.terms.jobId,
                job.terms.programRoot,
                job.terms.dataRoot,
                job.progress.stateRoot,
                job.progress.traceRoot
            ),
            _numbers(job, assurance, agreeing, uint8(present)),
            abi.encodePacked(job.terms.requester, job.terms.provider, uint128(paid))
        );
        if (evalRoot != 0) data = bytes.concat(data, evalRoot);
        if (parentRoot != 0) data = bytes.concat(data, parentRoot);
    }

    function decode(bytes memory data) internal pure returns (ProvenanceRecord memory entry) {
        entry.jobId = bytes32(_wordAt(data, 0));
        entry.programRoot = bytes32(_wordAt(data, 32));
        entry.dataRoot = bytes32(_wordAt(data, 64));
        entry.stateRoot = bytes32(_wordAt(data, 96));
        entry.traceRoot = bytes32(_wordAt(data, 128));
        uint256 numbers = _wordAt(data, 160);
        entry.parentIndex = uint32(numbers >> 224);
        entry.step = uint32(numbers >> 192);
        entry.seed = uint64(numbers >> 128);
        entry.numerics = uint16(numbers >> 112);
        entry.settledAt = uint40(numbers >> 72);
        entry.assurance = Assurance(uint8(numbers >> 64));
        entry.agreeing = uint8(numbers >> 56);
        uint256 present = uint8(numbers >> 48);
        entry.requester = address(uint160(_wordAt(data, 186) >> 96));
        entry.provider = address(uint160(_wordAt(data, 206) >> 96));
        entry.price = uint128(_wordAt(data, 226) >> 128);
        uint256 place = OPTIONAL;
        if (present & HAS_EVAL != 0) {
            entry.evalRoot = bytes32(_wordAt(data, place));
            place += 32;
        }
        if (present & HAS_PARENT != 0) entry.parentRoot = bytes32(_wordAt(data, place));
    }

    function _numbers(
        Job calldata job,
        Assurance assurance,
        uint8 agreeing,
        uint8 present
    ) private view returns (bytes memory) {
        return
            abi.encodePacked(
                job.terms.parentIndex,
                uint32(job.terms.stepAt(job.progress.checkpoint)),
                job.terms.seed,
                job.terms.numerics,
                uint40(block.timestamp),
                uint8(assurance),
                agreeing,
                present
            );
    }

    /// @dev The last word may reach past the data: what follows is shifted out.
    function _wordAt(bytes memory data, uint256 offset) private pure returns (uint256 word) {
        assembly ("memory-safe") {
            word := mload(add(add(data, 0x20), offset))
        }
    }
}
