// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Votes} from "@openzeppelin/contracts/governance/utils/Votes.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {Checkpoints} from "@openzeppelin/contracts/utils/structs/Checkpoints.sol";

import {ILedger} from "../interfaces/ILedger.sol";
import {IParameters} from "../interfaces/IParameters.sol";
import {IStaking} from "../interfaces/IStaking.sol";
import {Params} from "../types/Params.sol";

/// @title Staking: stake, collateral, operators, votes
/// @dev Documented in {IStaking}.
contract Staking is IStaking, Votes {
    using Checkpoints for Checkpoints.Trace208;
    using SafeCast for uint256;

    uint256 private constant ALLOWED = type(uint256).max;

    /// @dev `locked ≤ active + leaving`: leaving stake answers for open jobs until it is withdrawn.
    struct Stake {
        uint128 active;
        uint128 locked;
        uint128 leaving;
        uint40 availableAt;
    }

    /// @inheritdoc IStaking
    address public immutable market;
    IParameters public immutable parameters;

    mapping(address provider => Stake) private _stakes;
    /// @inheritdoc IStaking
    mapping(address provider => uint256) public reservedOf;
    /// @dev When the key was dropped; `ALLOWED` while it is an operator, zero if it never was.
    mapping(address provider => mapping(address operator => uint256)) private _operatorUntil;

    /// @dev By time: who votes with an account's stake, and how much that is.
    mapping(address provider => Checkpoints.Trace208) private _voters;
    mapping(address provider => Checkpoints.Trace208) private _ownVotes;

    constructor(address market_, IParameters parameters_) EIP712("Assay Staking", "1") {
        market = market_;
        parameters = parameters_;
    }

    modifier onlyMarket() {
        if (msg.sender != market) revert StakingNotMarket(msg.sender);
        _;
    }

    /// @inheritdoc IStaking
    function stake(uint256 amount) external {
        if (amount == 0) revert StakingZeroAmount();
        // Before the stake grows: delegating moves all the units there are.
        if (delegates(msg.sender) == address(0)) _delegate(msg.sender, msg.sender);
        _stakes[msg.sender].active += amount.toUint128();
        _transferVotingUnits(address(0), msg.sender, amount);
        emit Staked(msg.sender, amount);
        ILedger(market).moveIn(msg.sender, amount);
    }

    /// @inheritdoc IStaking
    function requestUnstake(uint256 amount) external {
        if (amount == 0) revert StakingZeroAmount();
        Stake storage held = _stakes[msg.sender];
        if (amount > held.active) revert StakingInsufficient(msg.sender, held.active, amount);
        (, Params memory params) = parameters.current();
        uint40 availableAt = uint40(block.timestamp + params.unbonding);
        // A shorter delay, newly governed, does not shorten one that runs.
        if (availableAt < held.availableAt) availableAt = held.availableAt;
        held.active -= uint128(amount);
        held.leaving += uint128(amount);
        _transferVotingUnits(msg.sender, address(0), amount);
        held.availableAt = availableAt;
        emit UnstakeRequested(msg.sender, amount, availableAt);
    }

    /// @inheritdoc IStaking
    function withdrawStake() external returns (uint256 amount) {
        Stake storage held = _stakes[msg.sender];
        if (held.leaving != 0 && block.timestamp < held.availableAt) {
            revert StakingTooEarly(block.timestamp, held.availableAt);
        }
        uint256 unlocked = uint256(held.active) + held.leaving - held.locked;
        amount = held.leaving < unlocked ? held.leaving : unlocked;
        if (amount == 0) revert StakingNothingToWithdraw(msg.sender);
        held.leaving -= uint128(amount);
        emit StakeWithdrawn(msg.sender, amount);
        ILedger(market).moveOut(msg.sender, amount);
    }

    /// @inheritdoc IStaking
    function reserve(uint256 amount) external {
        reservedOf[msg.sender] = amount;
        emit StakeReserved(msg.sender, amount);
    }

    /// @inheritdoc IStaking
    function setOperator(address operator, bool allowed) external {
        if (allowed) _operatorUntil[msg.sender][operator] = ALLOWED;
        else if (isOperator(msg.sender, operator)) _operatorUntil[msg.sender][operator] = block.timestamp;
        emit OperatorSet(msg.sender, operator, allowed);
    }

    /// @inheritdoc IStaking
    function lock(address provider, uint256 amount) external onlyMarket {
        uint256 available = availableOf(provider);
        if (amount > available) revert StakingInsufficient(provider, available, amount);
        _stakes[provider].locked += uint128(amount);
    }

    /// @inheritdoc IStaking
    function free(address provider, uint256 amount) external onlyMarket {
        _stakes[provider].locked -= amount.toUint128();
    }

    /// @inheritdoc IStaking
    function slash(address provider, bytes32 jobId, uint256 amount, address to) external onlyMarket {
        Stake storage held = _stakes[provider];
        held.locked -= amount.toUint128();
        uint256 fromActive = amount < held.active ? amount : held.active;
        held.active -= uint128(fromActive);
        _transferVotingUnits(provider, address(0), fromActive);
        if (fromActive < amount) held.leaving -= uint128(amount - fromActive);
        emit CollateralSlashed(provider, jobId, to, amount);
        if (to == address(0)) ILedger(market).burnFromLine(amount);
        else ILedger(market).moveOut(to, amount);
    }

    /// @inheritdoc IStaking
    function stakeOf(
        address provider
    ) external view returns (uint256 total, uint256 locked, uint256 leaving, uint40 availableAt) {
        Stake storage held = _stakes[provider];
        return (uint256(held.active) + held.leaving, held.locked, held.leaving, held.availableAt);
    }

    /// @inheritdoc IStaking
    function availableOf(address provider) public view returns (uint256) {
        Stake storage held = _stakes[provider];
        uint256 unlocked = held.locked < held.active ? held.active - held.locked : 0;
        uint256 reserved = reservedOf[provider];
        return reserved < unlocked ? unlocked - reserved : 0;
    }

    /// @inheritdoc IStaking
    function isOperator(address provider, address operator) public view returns (bool) {
        return _operatorUntil[provider][operator] == ALLOWED;
    }

    /// @inheritdoc IStaking
    function answersFor(address provider, address operator, uint256 time) external view returns (bool) {
        uint256 until = _operatorUntil[provider][operator];
        return until != 0 && until >= time;
    }

    /// @inheritdoc IStaking
    function ownVotesAt(address provider, uint256 time) external view returns (address voter, uint256 votes) {
        uint48 at = _validateTimepoint(time);
        voter = address(uint160(_voters[provider].upperLookupRecent(at)));
        votes = _ownVotes[provider].upperLookupRecent(at);
    }

    /// @inheritdoc Votes
    function clock() public view override returns (uint48) {
        return uint48(block.timestamp);
    }

    /// @inheritdoc Votes
    // solhint-disable-next-line func-name-mixedcase
    function CLOCK_MODE() public pure override returns (string memory) {
        return "mode=timestamp";
    }

    function _delegate(address account, address delegatee) internal override {
        super._delegate(account, delegatee);
        _voters[account].push(clock(), uint160(delegatee));
    }

    /// @dev Stake comes and goes, and is never another's: one of the two is nobody.
    function _transferVotingUnits(address from, address to, uint256 amount) internal override {
        super._transferVotingUnits(from, to, amount);
        address account = from == address(0) ? to : from;
        _ownVotes[account].push(clock(), uint208(_stakes[account].active));
    }

    function _getVotingUnits(address account) internal view override returns (uint256) {
        return _stakes[account].active;
    }
}
