// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IProvenance} from "../interfaces/IProvenance.sol";
import {RecordCodec} from "../libraries/RecordCodec.sol";
import {StoredCode} from "../libraries/StoredCode.sol";
import {Assurance} from "../types/Assurance.sol";
import {Job} from "../types/Job.sol";
import {ProvenanceRecord} from "../types/ProvenanceRecord.sol";

/// @title Provenance: records written once, as code
/// @dev Documented in {IProvenance}.
contract Provenance is IProvenance {
    /// @inheritdoc IProvenance
    address public immutable market;

    /// @dev Records of an artifact beside its first one. A record lies where its root and index say, so that the first one,
    /// nearly always the only one, needs no slot.
    mapping(bytes32 artifactRoot => uint256) private _further;

    constructor(address market_) {
        market = market_;
    }

    fallback() external {
        StoredCode.serve();
    }

    /// @inheritdoc IProvenance
    function write(
        Job calldata job,
        uint256 paid,
        Assurance assurance,
        uint8 agreeing
    ) external returns (uint256 index) {
        if (msg.sender != market) revert ProvenanceNotMarket(msg.sender);
        bytes32 artifactRoot = job.progress.modelRoot;
        bytes memory data = RecordCodec.encode(job, paid, assurance, agreeing);
        if (_pointer(artifactRoot, 0).code.length != 0) {
            index = _further[artifactRoot] + 1;
            _further[artifactRoot] = index;
        }
        StoredCode.writeAt(_salt(artifactRoot, index), data);
        emit Recorded(artifactRoot, index, job.terms.jobId);
    }

    /// @inheritdoc IProvenance
    function provenanceOf(bytes32 artifactRoot) external view returns (ProvenanceRecord[] memory records) {
        records = new ProvenanceRecord[](recordCount(artifactRoot));
        for (uint256 i = 0; i < records.length; ++i) records[i] = recordAt(artifactRoot, i);
    }

    /// @inheritdoc IProvenance
    function recordAt(bytes32 artifactRoot, uint256 index) public view returns (ProvenanceRecord memory) {
        bytes memory data = StoredCode.read(_pointer(artifactRoot, index));
        if (data.length == 0) revert ProvenanceNoRecord(artifactRoot, index);
        return RecordCodec.decode(data);
    }

    /// @inheritdoc IProvenance
    function startOf(bytes32 artifactRoot, uint256 index) external view returns (bytes32 stateRoot, uint32 step) {
        ProvenanceRecord memory entry = recordAt(artifactRoot, index);
        return (entry.stateRoot, entry.step);
    }

    /// @inheritdoc IProvenance
    function recordCount(bytes32 artifactRoot) public view returns (uint256) {
        return _pointer(artifactRoot, 0).code.length == 0 ? 0 : _further[artifactRoot] + 1;
    }

    /// @inheritdoc IProvenance
    function lineageOf(
        bytes32 artifactRoot,
        uint256 index,
        uint256 depth
    ) external view returns (bytes32[] memory roots, ProvenanceRecord[] memory records) {
        uint256 length = 0;
        bytes32 root = artifactRoot;
        uint256 place = index;
        while (root != 0 && length < depth) {
            ProvenanceRecord memory entry = recordAt(root, place);
            (root, place) = (entry.parentRoot, entry.parentIndex);
            ++length;
        }
        roots = new bytes32[](length);
        records = new ProvenanceRecord[](length);
        (root, place) = (artifactRoot, index);
        for (uint256 i = 0; i < length; ++i) {
            roots[i] = root;
            records[i] = recordAt(root, place);
            (root, place) = (records[i].parentRoot, records[i].parentIndex);
        }
    }

    function _pointer(bytes32 artifactRoot, uint256 index) private view returns (address) {
        return StoredCode.addressOf(_salt(artifactRoot, index));
    }

    function _salt(bytes32 artifactRoot, uint256 index) private pure returns (bytes32) {
        return keccak256(abi.encode(artifactRoot, index));
    }
}
