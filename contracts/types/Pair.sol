// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Acceptance} from "./Acceptance.sol";
import {Request} from "./Request.sol";

/// @dev One pair for `agreeBatch`.
struct Pair {
    Request request;
    bytes requestSignature;
    Acceptance acceptance;
    bytes acceptanceSignature;
}
