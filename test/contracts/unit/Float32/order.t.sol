// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Float32} from "../../../../contracts/libraries/Float32.sol";
import {Float32Cases} from "../../support/Float32Cases.sol";

/// @dev Order, signs and conversion.
contract Float32OrderTest is Float32Cases {
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
}
