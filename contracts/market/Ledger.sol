// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";

import {ILedger} from "../interfaces/ILedger.sol";

/// @title Ledger: one token, internal balances
/// @dev Documented in {ILedger}.
abstract contract Ledger is ILedger, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;

    IERC20 private immutable _token;
    /// @dev The one module that moves an account's balance without an allowance: it does so only when the account calls it.
    address private immutable _trustedModule;

    mapping(address account => uint256) private _free;
    mapping(address module => uint256) private _lines;
    mapping(address account => mapping(address module => uint256)) private _allowed;
    /// @inheritdoc ILedger
    uint256 public burned;

    constructor(IERC20 token_, address trustedModule) {
        _token = token_;
        _trustedModule = trustedModule;
    }

    /// @inheritdoc ILedger
    function deposit(address account, uint256 amount) external nonReentrant {
        _deposit(account, amount);
    }

    /// @inheritdoc ILedger
    function depositWithPermit(
        address account,
        uint256 amount,
        uint256 deadline,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external nonReentrant {
        // Whoever sees the permit can use it first; the allowance then stands and the deposit goes on.
        try IERC20Permit(address(_token)).permit(msg.sender, address(this), amount, deadline, v, r, s) {} catch {}
        _deposit(account, amount);
    }

    /// @inheritdoc ILedger
    function withdraw(address to, uint256 amount) external nonReentrant {
        if (amount == 0) revert LedgerZeroAmount();
        // Sent to itself the tokens would be nobody's.
        if (to == address(0) || to == address(this)) revert LedgerBadAccount(to);
        _debit(msg.sender, amount);
        emit Withdrawn(msg.sender, to, amount);
        uint256 before = _token.balanceOf(address(this));
        _token.safeTransfer(to, amount);
        _expect(before - amount, _token.balanceOf(address(this)));
    }

    /// @inheritdoc ILedger
    function allowModule(address module, uint256 amount) external {
        _allowed[msg.sender][module] = amount;
        emit ModuleAllowed(msg.sender, module, amount);
    }

    /// @inheritdoc ILedger
    function moveIn(address account, uint256 amount) external {
        if (msg.sender != _trustedModule) {
            uint256 allowed = _allowed[account][msg.sender];
            if (amount > allowed) revert LedgerNotAllowed(account, msg.sender, allowed, amount);
            _allowed[account][msg.sender] = allowed - amount;
        }
        _debit(account, amount);
        _lines[msg.sender] += amount;
        emit MovedIn(msg.sender, account, amount);
    }

    /// @inheritdoc ILedger
    function moveOut(address account, uint256 amount) external {
        if (account == address(0)) revert LedgerBadAccount(account);
        _debitLine(amount);
        _credit(account, amount);
        emit MovedOut(msg.sender, account, amount);
    }

    /// @inheritdoc ILedger
    function burnFromLine(uint256 amount) external {
        _debitLine(amount);
        burned += amount;
        emit Burned(msg.sender, amount);
    }

    /// @inheritdoc ILedger
    function token() external view returns (address) {
        return address(_token);
    }

    /// @inheritdoc ILedger
    function freeBalance(address account) external view returns (uint256) {
        return _free[account];
    }

    /// @inheritdoc ILedger
    function lineOf(address module) external view returns (uint256) {
        return _lines[module];
    }

    /// @inheritdoc ILedger
    function allowedTo(address account, address module) external view returns (uint256) {
        return _allowed[account][module];
    }

    /// @dev Pulls `amount` from the deployer and gives it back: a token that takes a fee is refused here and now.
    function _probe(uint256 amount) internal {
        if (amount == 0) revert LedgerZeroAmount();
        uint256 before = _token.balanceOf(address(this));
        _token.safeTransferFrom(msg.sender, address(this), amount);
        _expect(before + amount, _token.balanceOf(address(this)));
        before = _token.balanceOf(msg.sender);
        _token.safeTransfer(msg.sender, amount);
        _expect(before + amount, _token.balanceOf(msg.sender));
    }

    /// @dev Takes escrow, which is then implicit in the job's record.
    function _debit(address account, uint256 amount) internal {
        uint256 available = _free[account];
        if (amount > available) revert LedgerInsufficientBalance(account, available, amount);
        _free[account] = available - amount;
    }

    /// @dev Gives escrow out, or a deposit in.
    function _credit(address account, uint256 amount) internal {
        if (amount != 0) _free[account] += amount;
    }

    function _deposit(address account, uint256 amount) private {
        if (amount == 0) revert LedgerZeroAmount();
        if (account == address(0)) revert LedgerBadAccount(account);
        uint256 before = _token.balanceOf(address(this));
        _token.safeTransferFrom(msg.sender, address(this), amount);
        _expect(before + amount, _token.balanceOf(address(this)));
        _credit(account, amount);
        emit Deposited(account, msg.sender, amount);
    }

    function _debitLine(uint256 amount) private {
        uint256 available = _lines[msg.sender];
        if (amount > available) revert LedgerInsufficientLine(msg.sender, available, amount);
        _lines[msg.sender] = available - amount;
    }

    function _expect(uint256 expected, uint256 actual) private pure {
        if (expected != actual) revert LedgerTokenMisbehaves(expected, actual);
    }
}
