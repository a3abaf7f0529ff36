// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @dev How far a record's claim was checked before the provider was paid, weakest first but for the last, which is `Window` and a game:
/// who challenged may be a friend of the provider, so it says no more than that the time for others passed.
enum Assurance {
    /// Nothing a contract could judge (container jobs).
    Unverified,
    /// The requester signed that it has the result and is content.
    SignedOff,
    /// The challenge window passed and nobody challenged.
    Window,
    /// Several providers committed to the same result before seeing each other's.
    Replicated,
    /// Auditors drawn by chance committed to the same result before it was revealed.
    Audited,
    /// The challenge window passed, and a dispute in it was played to its end and the provider won.
    Played
}
