// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IReputation} from "../interfaces/IReputation.sol";

/// @title Reputation: one packed slot an account
/// @dev Documented in {IReputation}.
contract Reputation is IReputation {
    uint256 public constant HALF_LIFE = 90 days;
    uint256 private constant HALF_LIFE_DAYS = HALF_LIFE / 1 days;
    /// @dev What is left after a day: ⌊2^64 · 2^(−1/90)⌋.
    uint256 private constant DAILY = 18_305_219_661_902_323_056;
    uint256 private constant NEUTRAL = 5_000;
    uint256 private constant BPS = 10_000;
    /// @dev A slot holds the six counters in the order of `Fact`, 32 bits each from the lowest, of which the first four are
    /// about a provider; and above them when they were decayed last.
    uint256 private constant PROVIDER_COUNTERS = 4;
    uint256 private constant COUNTER_MAX = type(uint32).max;
    uint256 private constant TIME_SHIFT = 192;
    uint256 private constant COUNTERS_MASK = (1 << TIME_SHIFT) - 1;

    /// @inheritdoc IReputation
    address public immutable market;
    /// @dev Token base units in a millionth of a token, at least 1.
    uint256 public immutable scale;

    mapping(address account => uint256 packed) private _standings;

    constructor(address market_, uint8 tokenDecimals) {
        market = market_;
        scale = tokenDecimals > 6 ? 10 ** (tokenDecimals - 6) : 1;
    }

    /// @inheritdoc IReputation
    function record(address account, Fact fact, uint256 weight) external {
        if (msg.sender != market) revert ReputationNotMarket(msg.sender);
        uint256 packed = _decayed(_standings[account]);
        uint256 shift = uint256(fact) * 32;
        uint256 counter = (packed >> shift) & COUNTER_MAX;
        uint256 sum = counter + weight / scale;
        if (sum > COUNTER_MAX) sum = COUNTER_MAX;
        _standings[account] = packed + ((sum - counter) << shift);
        emit FactRecorded(account, fact, weight);
    }

    /// @inheritdoc IReputation
    function standingOf(address account) external view returns (Standing memory) {
        uint256 packed = _decayed(_standings[account]);
        return
            Standing({
                completed: uint32(packed),
                late: uint32(packed >> 32),
                expired: uint32(packed >> 64),
                slashed: uint32(packed >> 96),
                stopped: uint32(packed >> 128),
                challengesLost: uint32(packed >> 160),
                updatedAt: uint40(packed >> TIME_SHIFT)
            });
    }

    /// @inheritdoc IReputation
    function scoreOf(address account) external view returns (uint256) {
        uint256 packed = _decayed(_standings[account]);
        uint256 all = 0;
        for (uint256 i = 0; i < PROVIDER_COUNTERS; ++i) all += (packed >> (i * 32)) & COUNTER_MAX;
        return all == 0 ? NEUTRAL : (BPS * (packed & COUNTER_MAX)) / all;
    }

    /// @dev All counters as they are after the whole days since they were decayed last; the rest of a day is left for next
    /// time, so that it does not matter how often an account is written. `completed` rounds down and the others up, so that
    /// many small jobs wash nothing away.
    function _decayed(uint256 packed) private view returns (uint256 result) {
        uint256 updatedAt = packed >> TIME_SHIFT;
        uint256 elapsed = block.timestamp - updatedAt;
        if (elapsed >= 32 * HALF_LIFE) return block.timestamp << TIME_SHIFT;
        uint256 passed = elapsed / 1 days;
        if (passed == 0) return packed;
        unchecked {
            result = (updatedAt + passed * 1 days) << TIME_SHIFT;
            // Both below 2^64 after their first use; products below 2^128.
            uint256 factor = 1 << 64;
            uint256 base = DAILY;
            for (uint256 left = passed % HALF_LIFE_DAYS; left != 0; left >>= 1) {
                if (left & 1 != 0) factor = (factor * base) >> 64;
                base = (base * base) >> 64;
            }
            uint256 shiftRight = 64 + passed / HALF_LIFE_DAYS;
            uint256 rest = packed & COUNTERS_MASK;
            uint256 roundUp = 0;
            for (uint256 shift = 0; rest != 0; shift += 32) {
                result |= ((((rest & COUNTER_MAX) * factor) + roundUp) >> shiftRight) << shift;
                rest >>= 32;
                roundUp = (1 << shiftRight) - 1;
            }
        }
    }
}
