// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @title Permutation: the order of rows in an epoch, one position at a time
/// @notice A Feistel network on a × b ≥ n (Black and Rogaway, "Ciphers with arbitrary finite domains", 2002): modular addition,
/// then along the cycle until back inside [0, n). All arithmetic is modulo 2^32.
library Permutation {
    uint256 private constant ROUNDS = 4;
    uint256 private constant WALKS = 64;
    uint256 private constant WORD = 0xffffffff;
    uint256 private constant LAST_INT = 0x7fffffff;

    /// @notice Where position `p` of `[0, n)` points. 0 if `n ≤ 0` or `p` is outside; `p` itself where 64 walks did not end.
    /// @dev All three are i32 in two's complement with zeros above.
    function position(uint256 p, uint256 n, uint256 epoch, uint64 seed) internal pure returns (uint256) {
        unchecked {
            // A negative `p` is above every `n`.
            if (n > LAST_INT || p >= n) return 0;
            uint256 a = Math.sqrt(n);
            if (a * a < n) ++a;
            uint256 b = (n + a - 1) / a;
            uint256 key = _absorb(_absorb(seed & WORD, seed >> 32), epoch);
            uint256 x = p;
            for (uint256 walk = 0; walk < WALKS; ++walk) {
                uint256 left = x / b;
                uint256 right = x % b;
                for (uint256 round = 0; round < ROUNDS; round += 2) {
                    left = (left + _absorb(_absorb(key, round), right)) % a;
                    right = (right + _absorb(_absorb(key, round + 1), left)) % b;
                }
                x = left * b + right;
                if (x < n) return x;
            }
            return p;
        }
    }

    /// @dev The finaliser of MurmurHash3 over `(hash ^ word) + 0x9e3779b9`.
    function _absorb(uint256 hash, uint256 word) private pure returns (uint256 h) {
        assembly ("memory-safe") {
            h := and(add(xor(hash, word), 0x9e3779b9), WORD)
            h := and(mul(xor(h, shr(16, h)), 0x85ebca6b), WORD)
            h := and(mul(xor(h, shr(13, h)), 0xc2b2ae35), WORD)
            h := xor(h, shr(16, h))
        }
    }
}
