// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @title Merkle16: the one tree of the protocol, and what hangs on it
/// @notice A 16-ary tree of SHA-256 over a list of 32-byte leaves. Positions beyond the list hold `ABSENT`, and so does a node
/// that covers none of it; the depth follows from the count. One leaf is its own root, and no leaf gives `ABSENT`.
/// @dev The first byte of every hashed message tells its kind, so that no message of one kind passes for one of another.
library Merkle16 {
    uint256 internal constant ARITY = 16;
    bytes32 internal constant ABSENT = 0;
    /// Elements and bytes of a full chunk of a tensor.
    uint256 internal constant CHUNK_ELEMENTS = 256;
    uint256 internal constant CHUNK_BYTES = 1024;

    /// Kinds of level roots.
    uint8 internal constant STEPS = 0x06;
    uint8 internal constant OPS = 0x07;
    uint8 internal constant TERMS = 0x08;

    bytes1 private constant CHUNK = 0x00;
    bytes1 private constant TENSOR = 0x02;
    bytes1 private constant PROGRAM = 0x03;
    bytes1 private constant OP = 0x04;

    /// @notice Levels of nodes above `count` leaves.
    function depth(uint256 count) internal pure returns (uint256 levels) {
        unchecked {
            for (uint256 covered = 1; covered < count; covered <<= 4) ++levels;
        }
    }

    /// @notice `H(0x01 ‖ child₀ … child₁₅)`: what an opening of a node is checked against.
    function node(bytes32[16] calldata children) internal view returns (bytes32 hash) {
        assembly ("memory-safe") {
            let free := mload(0x40)
            mstore8(free, 1)
            calldatacopy(add(free, 1), children, 0x200)
            if iszero(staticcall(gas(), 2, free, 0x201, 0, 0x20)) {
                revert(0, 0)
            }
            hash := mload(0)
        }
    }

    /// @notice Children that a node can have: those below the first position of a tree of `count` leaves that is not there
    /// are present, and all others must be `ABSENT`. `first` is the leaf under child 0 and `height` the levels between child
    /// and leaf.
    function present(uint256 count, uint256 first, uint256 height) internal pure returns (uint256) {
        unchecked {
            if (first >= count) return 0;
            uint256 rest = (count - first + (1 << (4 * height)) - 1) >> (4 * height);
            return rest < ARITY ? rest : ARITY;
        }
    }

    /// @notice Whether every child from `from` on is `ABSENT`.
    function absentFrom(bytes32[16] calldata children, uint256 from) internal pure returns (bool) {
        unchecked {
            for (uint256 i = from; i < ARITY; ++i) if (children[i] != ABSENT) return false;
            return true;
        }
    }

    /// @notice Root of the tree in which `leaf` is at `index` of `count`, by the 15 siblings of each level from the leaf up.
    /// `ABSENT`, which no honest tree of at least one leaf has, where `index`, the number of levels or an absent
    /// position is not what `count` says.
    function rootOf(
        uint256 count,
        uint256 index,
        bytes32 leaf,
        bytes32[15][] calldata siblings
    ) internal view returns (bytes32) {
        unchecked {
            if (index >= count || siblings.length != depth(count)) return ABSENT;
            for (uint256 level = 0; level < siblings.length; ++level) {
                uint256 place = index & 15;
                uint256 there = count - (index - place);
                bytes32[15] calldata row = siblings[level];
                for (uint256 i = there; i < ARITY; ++i) if (row[i - 1] != ABSENT) return ABSENT;
                leaf = _nodeAround(leaf, place, row);
                index >>= 4;
                count = (count + 15) >> 4;
            }
            return leaf;
        }
    }

    /// @notice Whether `leaf` is at `index` of the tree of `count` leaves with this root.
    function verify(
        bytes32 root,
        uint256 count,
        uint256 index,
        bytes32 leaf,
        bytes32[15][] calldata siblings
    ) internal view returns (bool) {
        return root != ABSENT && rootOf(count, index, leaf, siblings) == root;
    }

    /// @notice `H(0x00 ‖ dtype ‖ index u32 ‖ byteLength u32 ‖ bytes)`: leaf of a tensor's tree. Elements are little-endian.
    function chunkLeaf(uint8 dtype, uint32 index, bytes calldata chunk) internal pure returns (bytes32) {
        return sha256(abi.encodePacked(CHUNK, dtype, index, uint32(chunk.length), chunk));
    }

    /// @notice Bytes of chunk `index` of a tensor of `elements`; 0 beyond its end.
    function chunkLength(uint256 elements, uint256 index) internal pure returns (uint256) {
        unchecked {
            uint256 first = index * CHUNK_ELEMENTS;
            if (first >= elements) return 0;
            uint256 rest = (elements - first) << 2;
            return rest < CHUNK_BYTES ? rest : CHUNK_BYTES;
        }
    }

    /// @notice Bits of element `place` of a chunk; `place` is inside.
    function elementOf(bytes calldata chunk, uint256 place) internal pure returns (uint256 bits) {
        assembly ("memory-safe") {
            let word := shr(224, calldataload(add(chunk.offset, shl(2, place))))
            bits := or(shr(24, word), and(shr(8, word), 0xff00))
            bits := or(bits, and(or(shl(8, and(word, 0xff00)), shl(24, and(word, 0xff))), 0xffff0000))
        }
    }

    /// @notice Chunks of a tensor of `elements`.
    function chunkCount(uint256 elements) internal pure returns (uint256) {
        unchecked {
            return (elements + CHUNK_ELEMENTS - 1) / CHUNK_ELEMENTS;
        }
    }

    /// @notice `H(0x02 ‖ dtype ‖ rank ‖ 4 × dim u32, zero-padded ‖ chunkCount u32 ‖ tree over the chunks)`.
    /// @param dims The dimensions, the first in the highest of 128 bits.
    function tensorRoot(
        uint8 dtype,
        uint8 rank,
        uint128 dims,
        uint256 elements,
        bytes32 chunks
    ) internal pure returns (bytes32) {
        return sha256(abi.encodePacked(TENSOR, dtype, rank, dims, uint32(chunkCount(elements)), chunks));
    }

    /// @notice `H(0x04 ‖ list ‖ index u16 ‖ encoding)`: leaf of an op list's tree.
    function opLeaf(uint8 list, uint16 index, bytes calldata encoding) internal pure returns (bytes32) {
        return sha256(abi.encodePacked(OP, list, index, encoding));
    }

    /// @notice `H(0x03 ‖ header ‖ initRoot ‖ stepRoot ‖ evalRoot)`.
    function programRoot(
        bytes calldata header,
        bytes32 initRoot,
        bytes32 stepRoot,
        bytes32 evalRoot
    ) internal pure returns (bytes32) {
        return sha256(abi.encodePacked(PROGRAM, header, initRoot, stepRoot, evalRoot));
    }

    /// @notice `H(kind ‖ count u32 ‖ tree over all leaves but the last ‖ last)`: root of a finer level, tied to the leaf above
    /// by its own last leaf.
    function levelRoot(uint8 kind, uint32 count, bytes32 rest, bytes32 last) internal pure returns (bytes32) {
        return sha256(abi.encodePacked(kind, count, rest, last));
    }

    /// @dev Hash of the node whose child `place` is `child` and whose others are `row`.
    function _nodeAround(bytes32 child, uint256 place, bytes32[15] calldata row) private view returns (bytes32 hash) {
        assembly ("memory-safe") {
            let free := mload(0x40)
            let before := shl(5, place)
            mstore8(free, 1)
            calldatacopy(add(free, 1), row, before)
            mstore(add(add(free, 1), before), child)
            calldatacopy(add(add(free, 0x21), before), add(row, before), sub(0x1e0, before))
            if iszero(staticcall(gas(), 2, free, 0x201, 0, 0x20)) {
                revert(0, 0)
            }
            hash := mload(0)
        }
    }
}
