// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {TestToken} from "./TestToken.sol";

/// @title A token that keeps a part of each transfer once its owner wants it to
contract FeeToken is TestToken {
    uint256 public feeBps;
    /// Taken from the sender on top.
    uint256 public surchargeBps;

    function setFee(uint256 feeBps_) external {
        feeBps = feeBps_;
    }

    function setSurcharge(uint256 surchargeBps_) external {
        surchargeBps = surchargeBps_;
    }

    function _update(address from, address to, uint256 amount) internal override {
        uint256 fee = from == address(0) || to == address(0) ? 0 : (amount * feeBps) / 10_000;
        super._update(from, to, amount - fee);
        uint256 surcharge = from == address(0) || to == address(0) ? 0 : (amount * surchargeBps) / 10_000;
        if (surcharge != 0) super._update(from, address(0), surcharge);
        if (fee != 0) super._update(from, address(0), fee);
    }
}
