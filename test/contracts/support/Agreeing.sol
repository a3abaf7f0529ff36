// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Pair} from "../../../contracts/types/Pair.sol";
import {Base} from "./Base.sol";
import {vm} from "./Vm.sol";

/// @dev Pairs that the market must refuse.
abstract contract Agreeing is Base {
    /// @dev Protocol fee of an honest pair.
    uint256 internal constant FEE = ONE / 100;

    function refuse(Pair memory pair, bytes memory why) internal {
        vm.expectRevert(why);
        market.agree(pair.request, pair.requestSignature, pair.acceptance, pair.acceptanceSignature);
    }
}
