// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Float32} from "../../../../contracts/libraries/Float32.sol";
import {Float32Cases} from "../../support/Float32Cases.sol";

/// @dev Multiplication, division and square root.
contract Float32ProductsTest is Float32Cases {
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
}
