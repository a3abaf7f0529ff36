// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IDisputes} from "../interfaces/IDisputes.sol";
import {IMarket} from "../interfaces/IMarket.sol";
import {Job} from "../types/Job.sol";

/// @title A dispute game that says and does what the test tells it
contract ScriptedGame is IDisputes {
    struct Status {
        uint256 liveGames;
        bool won;
        uint40 auditUntil;
        uint256 auditors;
    }

    mapping(bytes32 jobId => Status) public script;

    function setStatus(bytes32 jobId, Status calldata status) external {
        script[jobId] = status;
    }

    function slash(IMarket market, Job calldata job, address winner, uint256 costs) external {
        market.slash(job, winner, costs);
    }

    function voidJob(IMarket market, Job calldata job) external {
        market.voidJob(job);
    }

    function noteLostChallenge(IMarket market, Job calldata job, address challenger) external {
        market.noteLostChallenge(job, challenger);
    }

    function noteDraw(IMarket market, Job calldata job, uint40 auditUntil) external {
        market.noteDraw(job, auditUntil);
    }

    function statusOf(
        bytes32 jobId
    ) external view returns (uint256 liveGames, bool won, uint40 auditUntil, uint256 auditors) {
        Status memory status = script[jobId];
        // Unless told otherwise, every draw was resolved long ago and drew nobody.
        uint40 until = status.auditUntil == 0 ? 1 : status.auditUntil;
        return (status.liveGames, status.won, until, status.auditors);
    }

    function awaitsAuditors(bytes32, uint256) external pure returns (bool) {
        return false;
    }
}
