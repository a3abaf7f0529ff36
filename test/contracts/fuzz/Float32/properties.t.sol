// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Float32} from "../../../../contracts/libraries/Float32.sol";
import {Float32Cases} from "../../support/Float32Cases.sol";

/// @dev What holds for any bits.
contract Float32PropertiesTest is Float32Cases {
    function testFuzz_addAndMulCommute(uint32 x, uint32 y) external pure {
        _eq("add", x, y, Float32.add(x, y), Float32.add(y, x));
        _eq("mul", x, y, Float32.mul(x, y), Float32.mul(y, x));
    }

    function testFuzz_signsFactorOut(uint32 x, uint32 y) external pure {
        // A sum that is zero has the sign of its zeros, or none.
        uint256 sum = Float32.add(x, y);
        if (sum & 0x7fffffff != 0) _eq("add", x, y, Float32.add(x ^ SIGN, y ^ SIGN), Float32.neg(sum));
        _eq("mul", x, y, Float32.mul(x ^ SIGN, y), Float32.neg(Float32.mul(x, y)));
        _eq("div", x, y, Float32.div(x, y ^ SIGN), Float32.neg(Float32.div(x, y)));
    }

    function testFuzz_oneAndZeroAreNeutral(uint32 x) external pure {
        uint256 same = Float32.canonical(x);
        _eq("mul", x, ONE, Float32.mul(x, ONE), same);
        _eq("div", x, ONE, Float32.div(x, ONE), same);
        _eq("add", x, SIGN, Float32.add(x, SIGN), same);
    }

    function testFuzz_doublingIsAddingToItself(uint32 x) external pure {
        _eq("double", x, TWO, Float32.mul(x, TWO), Float32.add(x, x));
    }

    function testFuzz_subtractionGivesNothingOnlyForEquals(uint32 x, uint32 y) external pure {
        uint256 difference = Float32.sub(x, y);
        bool finite = x & 0x7fffffff < INF && y & 0x7fffffff < INF;
        if (finite) {
            // Subnormals make this exact: x − y = 0 only if x = y.
            if ((difference & 0x7fffffff == 0) != Float32.eq(x, y)) revert Differs("sub", x, y, difference, 0);
        }
    }

    function testFuzz_rootOfASquareIsItself(uint32 x) external pure {
        // Of a number with 12 significant bits the square is exact.
        uint32 short_ = (x & 0x1f800000) | 0x30000000 | (x & 0x007ff000);
        uint256 square = Float32.mul(short_, short_);
        _eq("sqrt", short_, 0, Float32.sqrt(square), short_);
    }

    function testFuzz_quotientTimesDivisorIsExactForShortNumbers(uint32 x, uint32 y) external pure {
        uint32 a = ONE | (x & 0x007ff000);
        uint32 b = ONE | (y & 0x007ff000);
        _eq("div", a, b, Float32.div(Float32.mul(a, b), b), a);
    }

    function testFuzz_integersBelow2To24SurviveTheRoundTrip(int32 x) external pure {
        int32 small = x % (2 ** 24 + 1);
        uint32 bits = uint32(small);
        _eq("round trip", bits, 0, Float32.toInt(Float32.fromInt(bits)), bits);
    }

    function testFuzz_minAndMaxAreTheTwo(uint32 x, uint32 y) external pure {
        (uint256 low, uint256 high) = (Float32.min(x, y), Float32.max(x, y));
        if (Float32.canonical(x) == NAN || Float32.canonical(y) == NAN) {
            _eq("min", x, y, low, NAN);
            _eq("max", x, y, high, NAN);
        } else {
            if (low ^ high != x ^ y || !Float32.le(low, high)) revert Differs("min and max", x, y, low, high);
        }
    }
}
