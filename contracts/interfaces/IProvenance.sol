// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Assurance} from "../types/Assurance.sol";
import {Job} from "../types/Job.sol";
import {ProvenanceRecord} from "../types/ProvenanceRecord.sol";

/// @title Provenance: where a model came from
/// @notice Append-only; each record is written once, as code, and is never deleted.
interface IProvenance {
    event Recorded(bytes32 indexed artifactRoot, uint256 indexed index, bytes32 indexed jobId);

    error ProvenanceNotMarket(address caller);
    error ProvenanceNoRecord(bytes32 artifactRoot, uint256 index);

    /// @dev Market only: makes the record of a job that is settled now. `paid`: what the provider got.
    function write(
        Job calldata job,
        uint256 paid,
        Assurance assurance,
        uint8 agreeing
    ) external returns (uint256 index);

    /// @notice Every record of this artifact, oldest first; empty if there is none.
    function provenanceOf(bytes32 artifactRoot) external view returns (ProvenanceRecord[] memory);
    function recordAt(bytes32 artifactRoot, uint256 index) external view returns (ProvenanceRecord memory);
    /// @notice State and step from which a successor of this record starts.
    function startOf(bytes32 artifactRoot, uint256 index) external view returns (bytes32 stateRoot, uint32 step);
    function recordCount(bytes32 artifactRoot) external view returns (uint256);
    /// @notice The record at (`artifactRoot`, `index`) and its ancestors, youngest first, at most `depth` records.
    function lineageOf(
        bytes32 artifactRoot,
        uint256 index,
        uint256 depth
    ) external view returns (bytes32[] memory roots, ProvenanceRecord[] memory records);
    function market() external view returns (address);
}
