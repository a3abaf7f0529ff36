// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Float32} from "../../../../contracts/libraries/Float32.sol";

/// @dev Directed vectors: each row is an edge that a rounding, a carry or a special value gets wrong first. Bits are written
/// out, so that nothing here depends on another implementation.
contract Float32Test {
    uint32 private constant ONE = 0x3f800000;
    uint32 private constant TWO = 0x40000000;
    uint32 private constant HALF = 0x3f000000;
    uint32 private constant THREE = 0x40400000;
    uint32 private constant INF = 0x7f800000;
    uint32 private constant NAN = 0x7fc00000;
    uint32 private constant SIGN = 0x80000000;
    uint32 private constant MAX = 0x7f7fffff;
    uint32 private constant LEAST_NORMAL = 0x00800000;
    uint32 private constant LAST_SUBNORMAL = 0x007fffff;
    uint32 private constant LEAST = 0x00000001;
    /// 2^24, from where on not every integer is a number, and half a last place of 1.
    uint32 private constant WIDE = 0x4b800000;
    uint32 private constant HALF_ULP = 0x33800000;

    error Differs(string what, uint256 x, uint256 y, uint256 got, uint256 wanted);

    // --- addition ---

    function test_add_tieGoesToTheEvenNeighbour() external pure {
        _add(ONE, HALF_ULP, ONE);
        _add(ONE + 1, HALF_ULP, ONE + 2);
        _add(WIDE, ONE, WIDE);
        _add(WIDE + 1, ONE, WIDE + 2);
        _add(ONE | SIGN, HALF_ULP | SIGN, ONE | SIGN);
    }

    function test_add_justBesideATieGoesToTheNearest() external pure {
        _add(ONE, HALF_ULP + 1, ONE + 1);
        _add(ONE, HALF_ULP - 1, ONE);
        _add(ONE + 1, HALF_ULP - 1, ONE + 1);
        // The last bit of the smaller is 23 places beyond the rounding bit, and still decides.
        _add(0x4b000000, 0x3f000001, 0x4b000001);
    }

    function test_add_carryPassesThroughEveryBit() external pure {
        _add(0x3fffffff, HALF_ULP, 0x40000000);
        _add(0x3fffffff, 0x34000000, 0x40000000);
        _add(ONE, ONE, TWO);
        _add(0x3fffffff, 0x3fffffff, 0x407fffff);
    }

    function test_add_cancelsExactly() external pure {
        _add(ONE, ONE | SIGN, 0);
        _add(ONE | SIGN, ONE, 0);
        _add(ONE + 1, ONE | SIGN, 0x34000000);
        _add(TWO, 0x3fffffff | SIGN, 0x34000000);
        _add(LEAST_NORMAL, LAST_SUBNORMAL | SIGN, LEAST);
        _add(0x00800001, LEAST_NORMAL | SIGN, LEAST);
        _add(0x01000000, 0x00ffffff | SIGN, LEAST);
    }

    function test_add_borrowAcrossABinadeRounds() external pure {
        // 1 − 2^−25 is a tie between 1 − 2^−24 and 1, and 1 is even; a little more is not.
        _add(ONE, 0x33000000 | SIGN, ONE);
        _add(ONE, 0x33000001 | SIGN, 0x3f7fffff);
        _add(ONE, HALF_ULP | SIGN, 0x3f7fffff);
        _add(ONE, 0x32800000 | SIGN, ONE);
        _add(ONE, 0x32ffffff | SIGN, ONE);
        _add(ONE + 1, 0x33000001 | SIGN, ONE + 1);
    }

    function test_add_smallerFarBelowLeavesTheLarger() external pure {
        _add(ONE, LEAST, ONE);
        _add(ONE, LEAST | SIGN, ONE);
        _add(MAX, LEAST, MAX);
        _add(MAX | SIGN, LEAST, MAX | SIGN);
        _add(LEAST, ONE, ONE);
    }

    function test_add_subnormals() external pure {
        _add(LEAST, LEAST, 2);
        _add(LAST_SUBNORMAL, LEAST, LEAST_NORMAL);
        _add(LAST_SUBNORMAL, LAST_SUBNORMAL, 0x00fffffe);
        _add(LEAST_NORMAL, LEAST_NORMAL, 0x01000000);
        _add(LEAST | SIGN, LAST_SUBNORMAL, 0x007ffffe);
        _add(LEAST | SIGN, 0, LEAST | SIGN);
    }

    function test_add_overflowsToInfinityFromHalfALastPlaceOn() external pure {
        _add(MAX, MAX, INF);
        _add(MAX, 0x73000000, INF);
        _add(MAX, 0x72ffffff, MAX);
        _add(MAX | SIGN, 0x73000000 | SIGN, INF | SIGN);
        _add(0x7f000000, 0x7f000000, INF);
    }

    function test_add_zerosInfinitiesAndNan() external pure {
        _add(0, 0, 0);
        _add(SIGN, SIGN, SIGN);
        _add(0, SIGN, 0);
        _add(SIGN, 0, 0);
        _add(INF, ONE, INF);
        _add(INF, INF, INF);
        _add(INF | SIGN, MAX, INF | SIGN);
        _add(INF, INF | SIGN, NAN);
        _add(INF | SIGN, INF, NAN);
        _add(0x7f800001, ONE, NAN);
        _add(ONE, 0xffc12345, NAN);
        _add(0xffffffff, INF, NAN);
        _add(0x7fffffff, 0xff800001, NAN);
    }

    function test_sub_isAdditionOfTheOpposite() external pure {
        _eq("sub", ONE, ONE, Float32.sub(ONE, ONE), 0);
        _eq("sub", 0, 0, Float32.sub(0, 0), 0);
        _eq("sub", SIGN, 0, Float32.sub(SIGN, 0), SIGN);
        _eq("sub", 0, SIGN, Float32.sub(0, SIGN), 0);
        _eq("sub", INF, INF, Float32.sub(INF, INF), NAN);
        _eq("sub", ONE, NAN, Float32.sub(ONE, 0xffc00001), NAN);
    }

    // --- multiplication ---

    function test_mul_tieGoesToTheEvenNeighbour() external pure {
        // 1.5 × (1 + 2^−23) = 1.5 + 1.5·2^−23, and 1.5 × (1 + 3·2^−23) = 1.5 + 4.5·2^−23: both half way.
        _mul(0x3fc00000, ONE + 1, 0x3fc00002);
        _mul(0x3fc00000, ONE + 3, 0x3fc00004);
        _mul(0x3fc00000, ONE + 2, 0x3fc00003);
    }

    function test_mul_theLastBitOfTheProductDecides() external pure {
        // (1 + 2^−12)(1 − 2^−12) = 1 − 2^−24, exact below 1.
        _mul(0x3f800800, 0x3f7ff000, 0x3f7fffff);
        // (1 + 2^−12)² = 1 + 2^−11 + 2^−24: a tie to even. One last place more in a factor is above it.
        _mul(0x3f800800, 0x3f800800, 0x3f801000);
        _mul(0x3f800800, 0x3f800801, 0x3f801002);
        _mul(ONE + 1, ONE + 1, ONE + 2);
        _mul(0x3fffffff, 0x3fffffff, 0x407ffffe);
    }

    function test_mul_carryIntoTheNextBinade() external pure {
        // (1 + 2^−23)(2 − 2^−22) = 2 − 2^−45: rounds up to 2.
        _mul(ONE + 1, 0x3ffffffe, TWO);
        // The same at the end of the range: rounds up to infinity.
        _mul(0x3f800001, 0x7f7ffffd, MAX);
        _mul(0x3f800001, 0x7f7ffffe, INF);
    }

    function test_mul_subnormalResults() external pure {
        _mul(LEAST_NORMAL, HALF, 0x00400000);
        _mul(LEAST, HALF, 0);
        _mul(3, HALF, 2);
        _mul(5, HALF, 2);
        _mul(LEAST, 0x3f000001, LEAST);
        _mul(LEAST, 0x3effffff, 0);
        _mul(0x00ffffff, HALF, LEAST_NORMAL);
        _mul(0x00fffffd, HALF, 0x007ffffe);
        // 2^−75 squared is half of the least number: a tie to zero. A little more is not.
        _mul(0x1a000000, 0x1a000000, 0);
        _mul(0x1a000000, 0x1a000001, LEAST);
        _mul(0x1a000000, 0x1a000000 | SIGN, SIGN);
        _mul(LEAST_NORMAL, LEAST_NORMAL, 0);
        _mul(LEAST, LEAST | SIGN, SIGN);
    }

    function test_mul_subnormalOperands() external pure {
        _mul(LEAST, WIDE, 0x01000000);
        _mul(LEAST, 0x7f000000, 0x34800000);
        _mul(LAST_SUBNORMAL, TWO, 0x00fffffe);
        _mul(0x00400000, TWO, LEAST_NORMAL);
        _mul(LAST_SUBNORMAL, ONE, LAST_SUBNORMAL);
        _mul(ONE | SIGN, LEAST, LEAST | SIGN);
        _mul(LAST_SUBNORMAL, MAX, 0x407ffffd);
    }

    function test_mul_overflow() external pure {
        _mul(MAX, MAX, INF);
        _mul(MAX, TWO, INF);
        _mul(0x7f000000, TWO, INF);
        _mul(0x5f800000, 0x5f800000, INF);
        _mul(0x5f800000, 0x5f000000, 0x7f000000);
        _mul(MAX | SIGN, MAX, INF | SIGN);
    }

    function test_mul_zerosInfinitiesAndNan() external pure {
        _mul(0, SIGN, SIGN);
        _mul(SIGN, SIGN, 0);
        _mul(0, MAX | SIGN, SIGN);
        _mul(INF, TWO | SIGN, INF | SIGN);
        _mul(INF, INF | SIGN, INF | SIGN);
        _mul(INF, LEAST, INF);
        _mul(INF, 0, NAN);
        _mul(SIGN, INF | SIGN, NAN);
        _mul(NAN, 0, NAN);
        _mul(0, 0xff800001, NAN);
        _mul(INF, 0x7f800001, NAN);
    }

    // --- division ---

    function test_div_roundsWhatIsLeftOver() external pure {
        _div(ONE, THREE, 0x3eaaaaab);
        _div(TWO, THREE, 0x3f2aaaab);
        _div(ONE, 0x41200000, 0x3dcccccd);
        _div(0x40e00000, 0x40a00000, 0x3fb33333);
        _div(ONE, ONE + 1, 0x3f7ffffe);
        _div(ONE, 0x3fffffff, 0x3f000001);
        _div(ONE, 0x3f7fffff, ONE + 1);
        _div(0x3fffffff, ONE + 1, 0x3ffffffd);
        _div(ONE + 1, 0x3fffffff, 0x3f000002);
    }

    function test_div_exact() external pure {
        _div(ONE, ONE, ONE);
        _div(ONE, TWO, HALF);
        _div(0x40c00000, TWO, THREE);
        _div(0x40c00000, THREE | SIGN, TWO | SIGN);
        _div(0x007ffffe, TWO, 0x003fffff);
    }

    function test_div_subnormalResults() external pure {
        _div(LEAST, TWO, 0);
        _div(3, TWO, 2);
        _div(5, TWO, 2);
        _div(LEAST_NORMAL, TWO, 0x00400000);
        _div(0x00ffffff, TWO, LEAST_NORMAL);
        _div(LEAST, 0x3fffffff, LEAST);
        _div(LEAST, MAX, 0);
        _div(LEAST, MAX | SIGN, SIGN);
        _div(ONE, MAX, 0x00200000);
        _div(ONE, 0x7f000000, 0x00400000);
    }

    function test_div_subnormalOperands() external pure {
        _div(LEAST, LEAST, ONE);
        _div(LAST_SUBNORMAL, LEAST, 0x4afffffe);
        _div(LEAST, LAST_SUBNORMAL, 0x34000001);
        _div(LAST_SUBNORMAL, LEAST_NORMAL, 0x3f7ffffe);
        _div(ONE, LEAST_NORMAL, 0x7e800000);
        _div(HALF, LAST_SUBNORMAL, 0x7e000001);
    }

    function test_div_overflow() external pure {
        _div(ONE, LEAST, INF);
        _div(MAX, HALF, INF);
        _div(MAX | SIGN, LEAST, INF | SIGN);
        _div(MAX, 0x3f7fffff, INF);
        _div(0x7f7ffffe, 0x3f7fffff, MAX);
    }

    function test_div_zerosInfinitiesAndNan() external pure {
        _div(0, ONE | SIGN, SIGN);
        _div(SIGN, ONE | SIGN, 0);
        _div(ONE, 0, INF);
        _div(ONE, SIGN, INF | SIGN);
        _div(0, 0, NAN);
        _div(SIGN, 0, NAN);
        _div(INF, INF | SIGN, NAN);
        _div(INF, SIGN, INF | SIGN);
        _div(INF, MAX, INF);
        _div(MAX | SIGN, INF, SIGN);
        _div(0, INF, 0);
        _div(0xffc00001, ONE, NAN);
        _div(0, 0x7f800001, NAN);
        _div(INF, NAN, NAN);
    }

    // --- square root ---

    function test_sqrt_exact() external pure {
        _sqrt(ONE, ONE);
        _sqrt(0x40800000, TWO);
        _sqrt(0x41100000, THREE);
        _sqrt(0x3e800000, HALF);
        _sqrt(WIDE, 0x45800000);
        _sqrt(LEAST_NORMAL, 0x20000000);
        // 4097² = 16785409.
        _sqrt(0x4b801001, 0x45800800);
    }

    function test_sqrt_rounds() external pure {
        _sqrt(TWO, 0x3fb504f3);
        _sqrt(THREE, 0x3fddb3d7);
        _sqrt(HALF, 0x3f3504f3);
        _sqrt(ONE + 1, ONE);
        _sqrt(ONE + 2, ONE + 1);
        _sqrt(0x3f7fffff, 0x3f7fffff);
        _sqrt(0x3f7ffffe, 0x3f7fffff);
        _sqrt(0x407fffff, 0x3fffffff);
        _sqrt(MAX, 0x5f7fffff);
        // The two roots closest below a tie where Newton's last step is one too high.
        _sqrt(0x400fe042, 0x3fbfead5);
        _sqrt(0x40121e3f, 0x3fc1682d);
    }

    function test_sqrt_subnormals() external pure {
        _sqrt(LEAST, 0x1a3504f3);
        _sqrt(2, 0x1a800000);
        _sqrt(LAST_SUBNORMAL, 0x1fffffff);
        _sqrt(0x00400000, 0x1fb504f3);
    }

    function test_sqrt_zerosInfinitiesAndNan() external pure {
        _sqrt(0, 0);
        _sqrt(SIGN, SIGN);
        _sqrt(INF, INF);
        _sqrt(INF | SIGN, NAN);
        _sqrt(ONE | SIGN, NAN);
        _sqrt(LEAST | SIGN, NAN);
        _sqrt(0x7f800001, NAN);
        _sqrt(0xffffffff, NAN);
    }

    // --- order ---

    function test_minMax_nanWinsAndMinusZeroIsBelowZero() external pure {
        _both(ONE, TWO, ONE, TWO);
        _both(ONE | SIGN, TWO | SIGN, TWO | SIGN, ONE | SIGN);
        _both(SIGN, 0, SIGN, 0);
        _both(0, SIGN, SIGN, 0);
        _both(SIGN, SIGN, SIGN, SIGN);
        _both(LEAST | SIGN, 0, LEAST | SIGN, 0);
        _both(INF | SIGN, INF, INF | SIGN, INF);
        _both(NAN, ONE, NAN, NAN);
        _both(INF | SIGN, 0xff800001, NAN, NAN);
        _both(0x7fffffff, 0xffffffff, NAN, NAN);
    }

    function test_compare_zerosAreEqualAndNanIsNothing() external pure {
        _order(ONE, TWO, true, true, false);
        _order(TWO, ONE, false, false, false);
        _order(ONE, ONE, false, true, true);
        _order(SIGN, 0, false, true, true);
        _order(0, SIGN, false, true, true);
        _order(LEAST | SIGN, SIGN, true, true, false);
        _order(SIGN, LEAST, true, true, false);
        _order(TWO | SIGN, ONE | SIGN, true, true, false);
        _order(INF | SIGN, MAX | SIGN, true, true, false);
        _order(MAX, INF, true, true, false);
        _order(INF, INF, false, true, true);
        _order(NAN, NAN, false, false, false);
        _order(NAN, ONE, false, false, false);
        _order(INF | SIGN, 0xff800001, false, false, false);
    }

    function test_negAbsCanonical_keepTheOneNan() external pure {
        _eq("neg", ONE, 0, Float32.neg(ONE), ONE | SIGN);
        _eq("neg", SIGN, 0, Float32.neg(SIGN), 0);
        _eq("neg", NAN, 0, Float32.neg(NAN), NAN);
        _eq("neg", 0xff800001, 0, Float32.neg(0xff800001), NAN);
        _eq("abs", SIGN, 0, Float32.abs(SIGN), 0);
        _eq("abs", INF | SIGN, 0, Float32.abs(INF | SIGN), INF);
        _eq("abs", 0xffffffff, 0, Float32.abs(0xffffffff), NAN);
        _eq("canonical", 0x7f800001, 0, Float32.canonical(0x7f800001), NAN);
        _eq("canonical", 0xffc00000, 0, Float32.canonical(0xffc00000), NAN);
        _eq("canonical", INF | SIGN, 0, Float32.canonical(INF | SIGN), INF | SIGN);
        _eq("canonical", SIGN, 0, Float32.canonical(SIGN), SIGN);
    }

    // --- integers ---

    function test_toInt_towardZeroAndSaturates() external pure {
        _toInt(ONE, 1);
        _toInt(0x3f7fffff, 0);
        _toInt(0xbf7fffff, 0);
        _toInt(0x3fffffff, 1);
        _toInt(0xbfffffff, 0xffffffff);
        _toInt(0xc0200000, 0xfffffffe);
        _toInt(0x4b7fffff, 0x00ffffff);
        _toInt(WIDE, 0x01000000);
        _toInt(0x4effffff, 0x7fffff80);
        _toInt(0x4f000000, 0x7fffffff);
        _toInt(0xceffffff, 0x80000080);
        _toInt(0xcf000000, 0x80000000);
        _toInt(0xcf000001, 0x80000000);
        _toInt(MAX, 0x7fffffff);
        _toInt(INF | SIGN, 0x80000000);
        _toInt(LEAST, 0);
        _toInt(SIGN, 0);
        _toInt(NAN, 0);
        _toInt(0xff800001, 0);
    }

    function test_fromInt_roundsTiesToEven() external pure {
        _fromInt(0, 0);
        _fromInt(1, ONE);
        _fromInt(0xffffffff, ONE | SIGN);
        _fromInt(0x00ffffff, 0x4b7fffff);
        _fromInt(0x01000001, WIDE);
        _fromInt(0x01000003, WIDE + 2);
        _fromInt(0x02000003, 0x4c000001);
        _fromInt(0x7fffffff, 0x4f000000);
        _fromInt(0x7fffffbf, 0x4effffff);
        _fromInt(0x7fffffc0, 0x4f000000);
        _fromInt(0x80000000, 0xcf000000);
        _fromInt(0x80000040, 0xcf000000);
        _fromInt(0x80000041, 0xceffffff);
    }

    // --- properties ---

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

    // --- helpers ---

    function _add(uint256 x, uint256 y, uint256 wanted) private pure {
        _eq("add", x, y, Float32.add(x, y), wanted);
        _eq("add", y, x, Float32.add(y, x), wanted);
    }

    function _mul(uint256 x, uint256 y, uint256 wanted) private pure {
        _eq("mul", x, y, Float32.mul(x, y), wanted);
        _eq("mul", y, x, Float32.mul(y, x), wanted);
    }

    function _div(uint256 x, uint256 y, uint256 wanted) private pure {
        _eq("div", x, y, Float32.div(x, y), wanted);
    }

    function _sqrt(uint256 x, uint256 wanted) private pure {
        _eq("sqrt", x, 0, Float32.sqrt(x), wanted);
    }

    function _both(uint256 x, uint256 y, uint256 low, uint256 high) private pure {
        _eq("min", x, y, Float32.min(x, y), low);
        _eq("max", x, y, Float32.max(x, y), high);
    }

    function _order(uint256 x, uint256 y, bool lt, bool le, bool eq) private pure {
        if (Float32.lt(x, y) != lt) revert Differs("lt", x, y, 0, 0);
        if (Float32.le(x, y) != le) revert Differs("le", x, y, 0, 0);
        if (Float32.eq(x, y) != eq) revert Differs("eq", x, y, 0, 0);
    }

    function _toInt(uint256 x, uint256 wanted) private pure {
        _eq("toInt", x, 0, Float32.toInt(x), wanted);
    }

    function _fromInt(uint256 x, uint256 wanted) private pure {
        _eq("fromInt", x, 0, Float32.fromInt(x), wanted);
    }

    function _eq(string memory what, uint256 x, uint256 y, uint256 got, uint256 wanted) private pure {
        if (got != wanted) revert Differs(what, x, y, got, wanted);
    }
}
