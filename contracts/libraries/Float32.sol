// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @title Float32: IEEE-754 binary32 on bit patterns
/// @notice Round to nearest, ties to even; subnormals are kept; nothing is fused; every result that is NaN is `NAN`.
/// @dev A value is its 32 bits in the low end of a word, and every argument must have zeros above them. Inside, a finite
/// magnitude is `m · 2^(e − 150)` with `e ≥ 1`, which holds for normal and subnormal numbers alike, and both ways of
/// writing it are one addition apart: `bits = m + ((e − 1) << 23)`, where a normal `m` carries its hidden bit.
library Float32 {
    /// The one NaN that results have.
    uint256 internal constant NAN = 0x7fc00000;

    uint256 private constant SIGN = 0x80000000;
    uint256 private constant MAGNITUDE = 0x7fffffff;
    uint256 private constant INFINITY = 0x7f800000;
    /// Exponent of 1.0, and the greatest one of a finite number.
    int256 private constant BIAS = 127;
    int256 private constant LAST_EXPONENT = 254;

    /// @notice The same value, with the one NaN in place of any.
    function canonical(uint256 a) internal pure returns (uint256) {
        return a & MAGNITUDE > INFINITY ? NAN : a;
    }

    function add(uint256 a, uint256 b) internal pure returns (uint256) {
        unchecked {
            uint256 x = a & MAGNITUDE;
            uint256 y = b & MAGNITUDE;
            if (y > x) (a, b, x, y) = (b, a, y, x);
            if (x >= INFINITY) return x > INFINITY || (y == INFINITY && a != b) ? NAN : a;

            uint256 e = x >> 23;
            if (e == 0) e = 1;
            x -= (e - 1) << 23;
            uint256 d = y >> 23;
            if (d == 0) d = 1;
            y -= (d - 1) << 23;
            d = e - d;
            // The smaller is below a quarter of the last place: too little to move `a`, whatever its sign.
            if (d > 25) return a;

            uint256 m;
            uint256 drop;
            if ((a ^ b) & SIGN == 0) {
                m = (x << d) + y;
                drop = d + (m >> (24 + d));
                if (drop == 0) return (a & SIGN) | (m + ((e - 1) << 23));
            } else {
                m = (x << d) - y;
                if (m == 0) return 0;
                if (m >> 24 == 0) return (a & SIGN) | _normalise(m, e - d);
                drop = d - 1 + (m >> (23 + d));
            }
            uint256 r = _round(m, drop) + ((e - 1 + drop - d) << 23);
            return (a & SIGN) | (r > INFINITY ? INFINITY : r);
        }
    }

    function sub(uint256 a, uint256 b) internal pure returns (uint256) {
        return add(a, b ^ SIGN);
    }

    function mul(uint256 a, uint256 b) internal pure returns (uint256) {
        unchecked {
            uint256 s = (a ^ b) & SIGN;
            uint256 x = a & MAGNITUDE;
            uint256 y = b & MAGNITUDE;
            uint256 e = x >> 23;
            uint256 f = y >> 23;
            if (e - 1 < 254 && f - 1 < 254) {
                x -= (e - 1) << 23;
                y -= (f - 1) << 23;
            } else {
                if (x >= INFINITY || y >= INFINITY) {
                    return x > INFINITY || y > INFINITY || x == 0 || y == 0 ? NAN : s | INFINITY;
                }
                if (x == 0 || y == 0) return s;
                (x, e) = _significand(x);
                (y, f) = _significand(y);
            }
            x *= y;
            y = x >> 47;
            return s | _pack(x, 23 + y, int256(e + f + y) - BIAS);
        }
    }

    function div(uint256 a, uint256 b) internal pure returns (uint256) {
        unchecked {
            uint256 s = (a ^ b) & SIGN;
            uint256 x = a & MAGNITUDE;
            uint256 y = b & MAGNITUDE;
            uint256 e = x >> 23;
            uint256 f = y >> 23;
            if (e - 1 < 254 && f - 1 < 254) {
                x -= (e - 1) << 23;
                y -= (f - 1) << 23;
            } else {
                if (x > INFINITY || y > INFINITY) return NAN;
                if (x == INFINITY) return y == INFINITY ? NAN : s | INFINITY;
                if (y == INFINITY) return s;
                if (y == 0) return x == 0 ? NAN : s | INFINITY;
                if (x == 0) return s;
                (x, e) = _significand(x);
                (y, f) = _significand(y);
            }
            // 27 or 28 bits of quotient; what is left of the division makes the last of them stick.
            uint256 q;
            assembly ("memory-safe") {
                x := shl(27, x)
                q := or(div(x, y), iszero(iszero(mod(x, y))))
            }
            y = q >> 27;
            return s | _pack(q, 3 + y, int256(e - f + y) + BIAS - 1);
        }
    }

    /// @notice The square root; of a number below −0, NaN.
    function sqrt(uint256 a) internal pure returns (uint256) {
        unchecked {
            uint256 m = a & MAGNITUDE;
            if (m == 0) return a;
            if (m > INFINITY || a > MAGNITUDE) return NAN;
            if (m == INFINITY) return a;
            uint256 e = m >> 23;
            if (e == 0) (m, e) = _significand(m);
            else m -= (e - 1) << 23;
            // With an even power of two left over, the root of m ∈ [2^48, 2^50) has 25 bits: one more than the result. It is
            // never half way between two results, so that its last bit alone rounds.
            m <<= 26 - (e & 1);
            e = (e + 126 + (e & 1)) >> 1;
            // A line through the root, off by 4 % at most, then Newton: 1e-3, 4e-7, 1e-13.
            uint256 y = m / 0x3000000 + 0xb00000;
            y = (y + m / y) >> 1;
            y = (y + m / y) >> 1;
            y = (y + m / y) >> 1;
            if (y * y > m) --y;
            return ((y + 1) >> 1) + ((e - 1) << 23);
        }
    }

    /// @notice IEEE 754-2019 minimum: NaN if either is, −0 below +0.
    function min(uint256 a, uint256 b) internal pure returns (uint256) {
        if (_unordered(a, b)) return NAN;
        uint256 x = _key(a);
        uint256 y = _key(b);
        if (x == y) return a | b;
        return x < y ? a : b;
    }

    /// @notice IEEE 754-2019 maximum: NaN if either is, +0 above −0.
    function max(uint256 a, uint256 b) internal pure returns (uint256) {
        if (_unordered(a, b)) return NAN;
        uint256 x = _key(a);
        uint256 y = _key(b);
        if (x == y) return a & b;
        return x > y ? a : b;
    }

    function neg(uint256 a) internal pure returns (uint256) {
        return a & MAGNITUDE > INFINITY ? NAN : a ^ SIGN;
    }

    function abs(uint256 a) internal pure returns (uint256) {
        return a & MAGNITUDE > INFINITY ? NAN : a & MAGNITUDE;
    }

    /// @notice Whether a < b: never with a NaN, and −0 equals +0.
    function lt(uint256 a, uint256 b) internal pure returns (bool) {
        return !_unordered(a, b) && _key(a) < _key(b);
    }

    function le(uint256 a, uint256 b) internal pure returns (bool) {
        return !_unordered(a, b) && _key(a) <= _key(b);
    }

    function eq(uint256 a, uint256 b) internal pure returns (bool) {
        return !_unordered(a, b) && _key(a) == _key(b);
    }

    /// @notice Toward zero as a 32-bit two's complement; saturates, and NaN gives 0.
    function toInt(uint256 a) internal pure returns (uint256) {
        unchecked {
            uint256 m = a & MAGNITUDE;
            uint256 e = m >> 23;
            if (e < 127 || m > INFINITY) return 0;
            // From 2^31 on: the nearest i32. −2^31 itself is one of these.
            if (e > 157) return MAGNITUDE + (a >> 31);
            m -= (e - 1) << 23;
            m = e < 150 ? m >> (150 - e) : m << (e - 150);
            return a < SIGN ? m : 0x100000000 - m;
        }
    }

    /// @notice The nearest number to a 32-bit two's complement.
    function fromInt(uint256 a) internal pure returns (uint256) {
        unchecked {
            if (a == 0) return 0;
            uint256 s = a & SIGN;
            if (s != 0) a = 0x100000000 - a;
            uint256 top = _log2(a);
            uint256 m = top > 23 ? _round(a, top - 23) : a << (23 - top);
            return s | (m + ((top + 126) << 23));
        }
    }

    /// @dev Drops the lowest `drop ≥ 1` bits, to nearest even.
    function _round(uint256 m, uint256 drop) private pure returns (uint256 r) {
        assembly ("memory-safe") {
            // Half less one, and one more where the bit that stays last is odd.
            r := shr(drop, add(add(m, sub(shl(sub(drop, 1), 1), 1)), and(shr(drop, m), 1)))
        }
    }

    /// @dev Magnitude of `m · 2^(e + drop − …)`: `m` without its lowest `drop` bits has 24 bits and exponent `e`, which may be
    /// out of range on both sides.
    function _pack(uint256 m, uint256 drop, int256 e) private pure returns (uint256) {
        unchecked {
            if (e < 1) return _round(m, drop + uint256(1 - e));
            if (e > LAST_EXPONENT) return INFINITY;
            return _round(m, drop) + (uint256(e - 1) << 23);
        }
    }

    /// @dev Magnitude of the exact `m · 2^(e − 150)` with `0 < m < 2^24`.
    function _normalise(uint256 m, uint256 e) private pure returns (uint256) {
        unchecked {
            uint256 up = 23 - _log2(m);
            if (up >= e) up = e - 1;
            return (m << up) + ((e - up - 1) << 23);
        }
    }

    /// @dev Significand with its top bit at 23, and the exponent that goes with it, of a finite magnitude that is not zero. A
    /// subnormal's exponent is 0 or below, in two's complement.
    function _significand(uint256 x) private pure returns (uint256 m, uint256 e) {
        unchecked {
            e = x >> 23;
            if (e != 0) return (x - ((e - 1) << 23), e);
            uint256 up = 23 - _log2(x);
            return (x << up, 1 - up);
        }
    }

    function _unordered(uint256 a, uint256 b) private pure returns (bool unordered) {
        assembly ("memory-safe") {
            unordered := or(gt(and(a, MAGNITUDE), INFINITY), gt(and(b, MAGNITUDE), INFINITY))
        }
    }

    /// @dev Numbers in the order of their values; both zeros are equal.
    function _key(uint256 a) private pure returns (uint256) {
        unchecked {
            return a < SIGN ? a + SIGN : 2 * SIGN - a;
        }
    }

    /// @dev Position of the highest bit of `0 < x < 2^32`.
    function _log2(uint256 x) private pure returns (uint256 n) {
        assembly ("memory-safe") {
            n := shl(4, gt(x, 0xffff))
            n := or(n, shl(3, gt(shr(n, x), 0xff)))
            n := or(n, shl(2, gt(shr(n, x), 0xf)))
            // Of the four bits left: 0 for 0 and 1, 1 for 2 and 3, 2 up to 7, 3 up to 15.
            n := or(n, byte(shr(n, x), 0x0000010102020202030303030303030300000000000000000000000000000000))
        }
    }
}
