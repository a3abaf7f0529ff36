// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @dev Life of a job. `Settled`, `Slashed`, `Expired` and `Void` are final.
enum JobState {
    /// No such job.
    None,
    /// Agreed; escrow and collateral are locked.
    Active,
    /// A salted commitment stands; the reveal is due (audited or replicated jobs).
    Committed,
    /// A result stands; the challenge window runs.
    Submitted,
    /// Paid; provenance written.
    Settled,
    /// A dispute was lost by the provider.
    Slashed,
    /// The deadline passed with nothing presented.
    Expired,
    /// The requester's own program or data breaks the hard limits.
    Void
}
