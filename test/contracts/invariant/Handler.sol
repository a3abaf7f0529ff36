// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Params} from "../../../contracts/types/Params.sol";
import {vm} from "../support/Vm.sol";
import {Ending} from "./Ending.sol";
import {Purse} from "./Purse.sol";
import {Signing} from "./Signing.sol";
import {Working} from "./Working.sol";

/// @dev Does anything anyone may do, in any order.
contract Handler is Purse, Signing, Working, Ending {
    /// New parameters, within their bounds, for jobs to come.
    function govern(uint256 seed) external {
        (, Params memory params) = parameters.current();
        params.protocolFeeBps = uint16(seed % 501);
        params.latenessBps = uint16((seed >> 16) % 5_001);
        params.expiryPenaltyBps = uint16((seed >> 32) % 5_001);
        params.rewardBps = uint16((seed >> 48) % 5_001);
        params.burnBps = uint16(2_500 + ((seed >> 64) % 2_501));
        params.receiptGrace = uint32(1 + ((seed >> 80) % 100));
        vm.prank(governor);
        versions.push(keccak256(abi.encode(parameters.paramsAt(parameters.add(params)))));
    }

    /// @dev Every action, as often as a market sees it.
    function actions() external pure returns (bytes4[32] memory) {
        return
            [
                this.agree.selector,
                this.agree.selector,
                this.agreeMany.selector,
                this.agreeMany.selector,
                this.agreeMany.selector,
                this.succeed.selector,
                this.forge.selector,
                this.cancel.selector,
                this.submitFull.selector,
                this.submitByCarrier.selector,
                this.pass.selector,
                this.pass.selector,
                this.presentOne.selector,
                this.presentOne.selector,
                this.showOne.selector,
                this.settleOne.selector,
                this.settleOne.selector,
                this.deposit.selector,
                this.withdraw.selector,
                this.addStake.selector,
                this.reserve.selector,
                this.unstake.selector,
                this.withdrawStake.selector,
                this.commitOne.selector,
                this.commitOne.selector,
                this.revealOne.selector,
                this.revealOne.selector,
                this.stopOne.selector,
                this.signOffOne.selector,
                this.expireOne.selector,
                this.play.selector,
                this.slashOne.selector
            ];
    }

    /// @dev And those that end too much to be done as often.
    function rareActions() external pure returns (bytes4[4] memory) {
        return [this.conflict.selector, this.voidOne.selector, this.prod.selector, this.govern.selector];
    }
}
