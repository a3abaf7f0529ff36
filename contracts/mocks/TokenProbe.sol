// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";

/// @title What the market's own probe will find, before anything is deployed
/// @notice Never deployed: a simulated call lends its code to two addresses, one of which holds the token.
contract TokenProbe {
    using SafeERC20 for IERC20;

    /// @notice Sends `amount` to `other` and back. True if both balances changed by as much, both times.
    function toAndFro(IERC20 token, TokenProbe other, uint256 amount) external returns (bool) {
        uint256 here = token.balanceOf(address(this));
        uint256 there = token.balanceOf(address(other));
        token.safeTransfer(address(other), amount);
        if (token.balanceOf(address(this)) != here - amount) return false;
        if (token.balanceOf(address(other)) != there + amount) return false;
        other.back(token, amount);
        return token.balanceOf(address(this)) == here && token.balanceOf(address(other)) == there;
    }

    function back(IERC20 token, uint256 amount) external {
        token.safeTransfer(msg.sender, amount);
    }
}
