// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {TimelockController} from "@openzeppelin/contracts/governance/TimelockController.sol";

/// @title Timelock: the governor's only way to the parameters
/// @notice The governor alone proposes and cancels, anyone executes after the delay, and nobody is its administrator: the
/// roles are given at deployment to an address that the deployer's nonce fixes, so that no key ever holds them.
contract Timelock is TimelockController {
    constructor(
        uint256 delay,
        address governor
    ) TimelockController(delay, _only(governor), _only(address(0)), address(0)) {}

    function _only(address account) private pure returns (address[] memory accounts) {
        accounts = new address[](1);
        accounts[0] = account;
    }
}
