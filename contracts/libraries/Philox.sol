// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @title Philox4x32-10: random words from a counter and a key
/// @notice Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2, 3", SC 2011. All arithmetic is modulo
/// 2^32.
library Philox {
    /// @notice Word `element & 3` of the counter `(element >> 2, step, stream, 0)`; the key's low word is the seed's.
    /// @dev The three are 32 bits with zeros above them.
    function word(uint256 element, uint256 step, uint256 stream, uint64 seed) internal pure returns (uint256 out) {
        assembly ("memory-safe") {
            let c0 := shr(2, element)
            let c1 := step
            let c2 := stream
            let c3 := 0
            let k0 := and(seed, 0xffffffff)
            let k1 := and(shr(32, seed), 0xffffffff)
            for {
                let round := 10
            } round {
                round := sub(round, 1)
            } {
                let low := mul(c2, 0xcd9e8d57)
                let high := mul(c0, 0xd2511f53)
                c0 := xor(xor(shr(32, low), c1), k0)
                c1 := and(low, 0xffffffff)
                c2 := xor(xor(shr(32, high), c3), k1)
                c3 := and(high, 0xffffffff)
                k0 := and(add(k0, 0x9e3779b9), 0xffffffff)
                k1 := and(add(k1, 0xbb67ae85), 0xffffffff)
            }
            out := or(or(shl(96, c0), shl(64, c1)), or(shl(32, c2), c3))
            out := and(shr(sub(96, shl(5, and(element, 3))), out), 0xffffffff)
        }
    }
}
