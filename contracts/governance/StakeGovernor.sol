// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Governor} from "@openzeppelin/contracts/governance/Governor.sol";
import {GovernorCountingSimple} from "@openzeppelin/contracts/governance/extensions/GovernorCountingSimple.sol";
import {GovernorTimelockControl} from "@openzeppelin/contracts/governance/extensions/GovernorTimelockControl.sol";
import {GovernorVotes} from "@openzeppelin/contracts/governance/extensions/GovernorVotes.sol";
import {TimelockController} from "@openzeppelin/contracts/governance/TimelockController.sol";
import {IVotes} from "@openzeppelin/contracts/governance/utils/IVotes.sol";

/// @title StakeGovernor: stake decides on the parameters
/// @notice Its own settings are fixed: what governs the bounds of a vote is not up for a vote. Quorum is a share of all
/// voting stake when the vote begins.
contract StakeGovernor is Governor, GovernorCountingSimple, GovernorVotes, GovernorTimelockControl {
    struct Settings {
        /// Seconds from proposal to vote, and of the vote.
        uint48 votingDelay;
        uint32 votingPeriod;
        /// Stake needed to propose, in token base units.
        uint256 proposalThreshold;
        uint256 quorumBps;
    }

    uint256 private constant BPS = 10_000;

    uint48 private immutable _delay;
    uint32 private immutable _period;
    uint256 private immutable _threshold;
    uint256 public immutable quorumBps;

    constructor(
        IVotes staking,
        TimelockController timelock_,
        Settings memory settings
    ) Governor("Assay Governor") GovernorVotes(staking) GovernorTimelockControl(timelock_) {
        _delay = settings.votingDelay;
        _period = settings.votingPeriod;
        _threshold = settings.proposalThreshold;
        quorumBps = settings.quorumBps;
    }

    function votingDelay() public view override returns (uint256) {
        return _delay;
    }

    function votingPeriod() public view override returns (uint256) {
        return _period;
    }

    function proposalThreshold() public view override returns (uint256) {
        return _threshold;
    }

    function quorum(uint256 timepoint) public view override returns (uint256) {
        return (token().getPastTotalSupply(timepoint) * quorumBps) / BPS;
    }

    function state(uint256 proposalId) public view override(Governor, GovernorTimelockControl) returns (ProposalState) {
        return super.state(proposalId);
    }

    function proposalNeedsQueuing(
        uint256 proposalId
    ) public view override(Governor, GovernorTimelockControl) returns (bool) {
        return super.proposalNeedsQueuing(proposalId);
    }

    function _queueOperations(
        uint256 proposalId,
        address[] memory targets,
        uint256[] memory values,
        bytes[] memory calldatas,
        bytes32 descriptionHash
    ) internal override(Governor, GovernorTimelockControl) returns (uint48) {
        return super._queueOperations(proposalId, targets, values, calldatas, descriptionHash);
    }

    function _executeOperations(
        uint256 proposalId,
        address[] memory targets,
        uint256[] memory values,
        bytes[] memory calldatas,
        bytes32 descriptionHash
    ) internal override(Governor, GovernorTimelockControl) {
        super._executeOperations(proposalId, targets, values, calldatas, descriptionHash);
    }

    function _cancel(
        address[] memory targets,
        uint256[] memory values,
        bytes[] memory calldatas,
        bytes32 descriptionHash
    ) internal override(Governor, GovernorTimelockControl) returns (uint256) {
        return super._cancel(targets, values, calldatas, descriptionHash);
    }

    function _executor() internal view override(Governor, GovernorTimelockControl) returns (address) {
        return super._executor();
    }
}
