// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @dev The bits that directed vectors of binary32 are written in: edges that a rounding, a carry or a special value gets
/// wrong first. Written out, so that nothing here depends on another implementation.
abstract contract Float32Cases {
    uint32 internal constant ONE = 0x3f800000;
    uint32 internal constant TWO = 0x40000000;
    uint32 internal constant HALF = 0x3f000000;
    uint32 internal constant THREE = 0x40400000;
    uint32 internal constant INF = 0x7f800000;
    uint32 internal constant NAN = 0x7fc00000;
    uint32 internal constant SIGN = 0x80000000;
    uint32 internal constant MAX = 0x7f7fffff;
    uint32 internal constant LEAST_NORMAL = 0x00800000;
    uint32 internal constant LAST_SUBNORMAL = 0x007fffff;
    uint32 internal constant LEAST = 0x00000001;
    /// 2^24, from where on not every integer is a number, and half a last place of 1.
    uint32 internal constant WIDE = 0x4b800000;
    uint32 internal constant HALF_ULP = 0x33800000;

    error Differs(string what, uint256 x, uint256 y, uint256 got, uint256 wanted);

    function _eq(string memory what, uint256 x, uint256 y, uint256 got, uint256 wanted) internal pure {
        if (got != wanted) revert Differs(what, x, y, got, wanted);
    }
}
