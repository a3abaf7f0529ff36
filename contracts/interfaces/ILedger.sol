// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @title Ledger: one token, internal balances
/// @notice Deposits are credited by measured balance difference. Matching moves no tokens, so a refusing receiver blocks
/// nobody. Always: `token.balanceOf(ledger) ≥ Σ free + Σ escrow + Σ lines of modules + burned`.
///
/// Warning: the token must be a plain ERC-20 whose balances change by transfers only. A token that takes a fee or
/// moves another amount than asked is refused when it shows; one that rebases downwards later would break the sum above.
interface ILedger {
    event Deposited(address indexed account, address indexed payer, uint256 amount);
    event Withdrawn(address indexed account, address indexed to, uint256 amount);
    /// `account` lets `module` move up to `amount` more of its free balance to the module's line.
    event ModuleAllowed(address indexed account, address indexed module, uint256 amount);
    /// A module moved `amount` from an account's free balance to its own line, or back.
    event MovedIn(address indexed module, address indexed account, uint256 amount);
    event MovedOut(address indexed module, address indexed account, uint256 amount);
    event Burned(address indexed from, uint256 amount);

    error LedgerInsufficientBalance(address account, uint256 available, uint256 needed);
    error LedgerInsufficientLine(address module, uint256 available, uint256 needed);
    error LedgerNotAllowed(address account, address module, uint256 allowed, uint256 needed);
    error LedgerZeroAmount();
    error LedgerBadAccount(address account);
    /// The token moved another amount than asked (fee on transfer, rebasing).
    error LedgerTokenMisbehaves(uint256 expected, uint256 received);

    /// @notice Pulls `amount` tokens from the caller and credits them to `account`.
    function deposit(address account, uint256 amount) external;
    /// @notice As `deposit`, with an EIP-2612 permit. A permit that somebody used first does no harm.
    function depositWithPermit(
        address account,
        uint256 amount,
        uint256 deadline,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external;
    /// @notice Sends `amount` of the caller's free balance to `to`.
    function withdraw(address to, uint256 amount) external;
    /// @notice Sets how much of the caller's free balance `module` may still move to its own line (a challenger's bond).
    function allowModule(address module, uint256 amount) external;

    /// @notice Moves `amount` of `account`'s free balance to the caller's line: the staking contract when the account
    /// itself asks it to, any other contract within what the account allowed.
    function moveIn(address account, uint256 amount) external;
    /// @notice Moves `amount` of the caller's line to `account`'s free balance.
    function moveOut(address account, uint256 amount) external;
    /// @notice Burns `amount` of the caller's line: it stays in the ledger and nobody controls it.
    function burnFromLine(uint256 amount) external;

    function token() external view returns (address);
    function freeBalance(address account) external view returns (uint256);
    function lineOf(address module) external view returns (uint256);
    function allowedTo(address account, address module) external view returns (uint256);
    function burned() external view returns (uint256);
}
