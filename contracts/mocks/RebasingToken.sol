// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {TestToken} from "./TestToken.sol";

/// @title A token whose balances grow and shrink by themselves
contract RebasingToken is TestToken {
    /// In 1e18ths of the balances that were minted.
    uint256 public index = 1e18;

    function setIndex(uint256 index_) external {
        index = index_;
    }

    function balanceOf(address account) public view override returns (uint256) {
        return (super.balanceOf(account) * index) / 1e18;
    }
}
