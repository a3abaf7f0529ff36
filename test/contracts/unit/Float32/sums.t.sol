// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Float32} from "../../../../contracts/libraries/Float32.sol";
import {Float32Cases} from "../../support/Float32Cases.sol";

/// @dev Addition and subtraction.
contract Float32SumsTest is Float32Cases {
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

    function _add(uint256 x, uint256 y, uint256 wanted) private pure {
        _eq("add", x, y, Float32.add(x, y), wanted);
        _eq("add", y, x, Float32.add(y, x), wanted);
    }
}
