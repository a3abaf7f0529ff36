// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {TestToken} from "./TestToken.sol";

/// @title A token that calls somebody in the middle of each transfer, and that refuses some receivers
contract HookedToken is TestToken {
    error Refused(address account);

    address public hookTarget;
    bytes public hookData;
    bool public hookSucceeded;
    mapping(address account => bool) public refused;

    function setHook(address target, bytes calldata data) external {
        hookTarget = target;
        hookData = data;
        hookSucceeded = false;
    }

    function refuse(address account, bool yes) external {
        refused[account] = yes;
    }

    function _update(address from, address to, uint256 amount) internal override {
        if (refused[to]) revert Refused(to);
        super._update(from, to, amount);
        address target = hookTarget;
        if (target == address(0)) return;
        hookTarget = address(0);
        // solhint-disable-next-line avoid-low-level-calls
        (hookSucceeded, ) = target.call(hookData);
    }
}
