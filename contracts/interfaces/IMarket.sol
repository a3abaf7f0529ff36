// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IMainPath} from "./IMainPath.sol";
import {IMarketBase} from "./IMarketBase.sol";
import {ISidePaths} from "./ISidePaths.sol";

/// @title Market: the life of a job
/// @notice A job exists only with both signatures over the same request digest, chain and contract. Its id is the EIP-712
/// digest of the acceptance. The market stores one slot a job: the hash of its record and its state; every later call
/// shows the record again. Anyone may carry signed messages here. The market is also the token ledger (`ILedger`).
///
/// Signatures are ECDSA (65 bytes) or, where the signer has code, ERC-1271 within a gas cap. Deadlines are inclusive: at
/// `deadline` a submission is in time, one second later it is late.
///
/// Warning: trusted are the token, the parameters' governor within its bounds, and the dispute game of the job's version.
interface IMarket is IMarketBase, IMainPath, ISidePaths {}
