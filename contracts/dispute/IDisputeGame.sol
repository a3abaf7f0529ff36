// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IClerk} from "./IClerk.sol";
import {IMoves} from "./IMoves.sol";

/// @title The dispute game: open and point
/// @notice All that can be called at the game's address: the moves, and what the clerk does around them.
interface IDisputeGame is IMoves, IClerk {}
