// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @title A token whose transfers return false, or nothing at all
contract OddToken is ERC20 {
    bool public fails;

    constructor() ERC20("Odd", "ODD") {}

    function setFails(bool fails_) external {
        fails = fails_;
    }

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }

    function transfer(address to, uint256 amount) public override returns (bool) {
        return !fails && super.transfer(to, amount);
    }

    function transferFrom(address from, address to, uint256 amount) public override returns (bool) {
        return !fails && super.transferFrom(from, to, amount);
    }
}
