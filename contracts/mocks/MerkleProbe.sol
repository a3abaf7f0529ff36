// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Merkle16} from "../libraries/Merkle16.sol";

/// @title The tree of commitments, open to tests
contract MerkleProbe {
    function depth(uint256 count) external pure returns (uint256) {
        return Merkle16.depth(count);
    }

    function node(bytes32[16] calldata children) external view returns (bytes32) {
        return Merkle16.node(children);
    }

    function present(uint256 count, uint256 first, uint256 height) external pure returns (uint256) {
        return Merkle16.present(count, first, height);
    }

    function absentFrom(bytes32[16] calldata children, uint256 from) external pure returns (bool) {
        return Merkle16.absentFrom(children, from);
    }

    function rootOf(
        uint256 count,
        uint256 index,
        bytes32 leaf,
        bytes32[15][] calldata siblings
    ) external view returns (bytes32) {
        return Merkle16.rootOf(count, index, leaf, siblings);
    }

    function verify(
        bytes32 root,
        uint256 count,
        uint256 index,
        bytes32 leaf,
        bytes32[15][] calldata siblings
    ) external view returns (bool) {
        return Merkle16.verify(root, count, index, leaf, siblings);
    }

    function chunkLeaf(uint8 dtype, uint32 index, bytes calldata chunk) external pure returns (bytes32) {
        return Merkle16.chunkLeaf(dtype, index, chunk);
    }

    function chunkLength(uint256 elements, uint256 index) external pure returns (uint256) {
        return Merkle16.chunkLength(elements, index);
    }

    function elementOf(bytes calldata chunk, uint256 place) external pure returns (uint256) {
        return Merkle16.elementOf(chunk, place);
    }

    function tensorRoot(
        uint8 dtype,
        uint8 rank,
        uint128 dims,
        uint256 elements,
        bytes32 chunks
    ) external pure returns (bytes32) {
        return Merkle16.tensorRoot(dtype, rank, dims, elements, chunks);
    }

    function opLeaf(uint8 list, uint16 index, bytes calldata encoding) external pure returns (bytes32) {
        return Merkle16.opLeaf(list, index, encoding);
    }

    function programRoot(
        bytes calldata header,
        bytes32 initRoot,
        bytes32 stepRoot,
        bytes32 evalRoot
    ) external pure returns (bytes32) {
        return Merkle16.programRoot(header, initRoot, stepRoot, evalRoot);
    }

    function levelRoot(uint8 kind, uint32 count, bytes32 rest, bytes32 last) external pure returns (bytes32) {
        return Merkle16.levelRoot(kind, count, rest, last);
    }
}
