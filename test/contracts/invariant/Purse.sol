// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {vm} from "../support/Vm.sol";
import {Chronicle} from "./Chronicle.sol";

/// @dev Money in and out, and stake.
abstract contract Purse is Chronicle {
    function deposit(uint256 who, uint256 amount) external {
        amount = within(amount, 1, 50 * ONE);
        fund(_requesters[who % 2].addr, amount);
        paidIn += amount;
    }

    function withdraw(uint256 who, uint256 amount) external {
        address account = who % 2 == 0 ? _requesters[0].addr : _providers[1].addr;
        uint256 most = free(account);
        if (most == 0) revert NothingToDo();
        amount = within(amount, 1, most);
        vm.prank(account);
        ledger.withdraw(stranger.addr, amount);
        paidIn -= amount;
    }

    function addStake(uint256 who, uint256 amount) external {
        amount = within(amount, 1, 20 * ONE);
        stake(_providers[who % 2].addr, amount);
        paidIn += amount;
        if (who % 2 == 0) honestStake += amount;
    }

    function reserve(uint256 who, uint256 amount) external {
        vm.prank(_providers[who % 2].addr);
        staking.reserve(within(amount, 0, 100 * ONE));
    }

    function unstake(uint256 who, uint256 amount) external {
        address account = _providers[who % 2].addr;
        (uint256 total, , uint256 leaving, ) = staking.stakeOf(account);
        if (total == leaving) revert NothingToDo();
        vm.prank(account);
        staking.requestUnstake(within(amount, 1, amount % 4 == 0 ? total - leaving : (total - leaving) / 50 + 1));
    }

    function withdrawStake(uint256 who) external {
        address account = _providers[who % 2].addr;
        (, , , uint40 availableAt) = staking.stakeOf(account);
        uint256 began = elapseTo(mixed(who) % 4 == 0 ? availableAt : 0);
        vm.prank(account);
        try staking.withdrawStake() returns (uint256 amount) {
            if (who % 2 != 0) return;
            honestStake -= amount;
            honestFree += amount;
        } catch {
            back(began);
        }
    }
}
