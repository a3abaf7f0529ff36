// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";

/// @title Token of local chains and tests: 6 decimals like common stablecoins, and anyone may mint
contract TestToken is ERC20, ERC20Permit {
    constructor() ERC20("Assay Test Dollar", "tUSD") ERC20Permit("Assay Test Dollar") {}

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }

    function decimals() public pure override returns (uint8) {
        return 6;
    }
}
