// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IDisputes} from "../interfaces/IDisputes.sol";
import {Job} from "../types/Job.sol";
import {Clerk} from "./Clerk.sol";
import {Games} from "./Games.sol";
import {IMoves} from "./IMoves.sol";
import {Judgement} from "./Judgement.sol";
import {Bindings, Level, Phase, Position} from "./Position.sol";

/// @title Disputes: the game's address
/// @dev Documented in {IMoves}: the moves and how games end. Calls of anything not found here run the code of `clerk` on this contract's
/// storage: an address fixed at deployment, whose code cannot change either.
contract Disputes is Judgement {
    address public immutable clerk;

    constructor(Parts memory parts, address clerk_) Games(parts) {
        // Its code has its own copy of the parts, and must be of one mind with this.
        if (Clerk(clerk_).partsHash() != keccak256(abi.encode(parts))) revert DisputeWrongClerk(clerk_);
        clerk = clerk_;
        // Audit lines arrive in the free balance; paying them out goes through the game's line.
        _ledger.allowModule(address(this), type(uint256).max);
    }

    // solhint-disable-next-line no-complex-fallback
    fallback() external {
        address code = clerk;
        assembly ("memory-safe") {
            let free := mload(0x40)
            calldatacopy(free, 0, calldatasize())
            let ok := delegatecall(gas(), code, free, calldatasize(), 0, 0)
            returndatacopy(free, 0, returndatasize())
            if iszero(ok) {
                revert(free, returndatasize())
            }
            return(free, returndatasize())
        }
    }

    /// @inheritdoc IMoves
    function compare(uint256 gameId, Position calldata p, Bindings calldata b, Job calldata job) external {
        _shown(gameId, p);
        _requireBindings(p, b);
        bytes32 wanted = 0;
        if (p.phase == Phase.Cross && p.level == Level.Checkpoint && p.index == 0 && b.startRoot != 0) {
            wanted = b.startRoot;
        } else if (p.phase != Phase.Compare) {
            revert DisputeWrongPhase(gameId, p.phase);
        }
        if (p.node == wanted) _challengerLoses(gameId, p, true);
        else _providerLoses(gameId, p, job);
    }

    /// @inheritdoc IMoves
    function timeoutProvider(uint256 gameId, Position calldata p, Job calldata job) external {
        Game storage game = _shown(gameId, p);
        if (_isChallengers(p.phase) || p.phase == Phase.Compare) revert DisputeWrongPhase(gameId, p.phase);
        uint256 until = uint256(game.movedAt) + game.providerLeft;
        if (block.timestamp <= until) revert DisputeClockRunning(gameId, until);
        _providerLoses(gameId, p, job);
    }

    /// @inheritdoc IMoves
    function timeoutChallenger(uint256 gameId, Position calldata p) external {
        Game storage game = _shown(gameId, p);
        if (!_isChallengers(p.phase)) revert DisputeWrongPhase(gameId, p.phase);
        uint256 until = uint256(game.movedAt) + game.challengerLeft;
        if (block.timestamp <= until) revert DisputeClockRunning(gameId, until);
        _challengerLoses(gameId, p, false);
    }

    /// @inheritdoc IDisputes
    function statusOf(
        bytes32 jobId
    ) external view returns (uint256 liveGames, bool won, uint40 auditUntil, uint256 auditors) {
        Standing memory standing = _standing[jobId];
        return (standing.live, standing.won, standing.auditUntil, standing.auditors);
    }

    /// @inheritdoc IDisputes
    function awaitsAuditors(bytes32 jobId, uint256 submittedAt) external view returns (bool) {
        Standing memory standing = _standing[jobId];
        return standing.commitments > standing.auditors && block.timestamp <= submittedAt + standing.revealTime;
    }
}
