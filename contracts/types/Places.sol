// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @dev One slot for a request whose jobs must commit: how many of its places are taken, and from when its jobs may reveal what they committed to.
struct Places {
    /// Jobs that are open or settled; and jobs that have committed, less those that ended before they were revealed.
    uint8 taken;
    uint8 committed;
    /// Withdrawn by the requester.
    bool cancelled;
    /// Latest deadline of all jobs agreed so far.
    uint40 lastDeadline;
    /// When every replica had committed or the first one was revealed after the last deadline; zero before, and
    /// again once all of them ended with nothing revealed. No further job is agreed from then on: its provider could copy.
    uint40 revealFrom;
    /// Earliest deadline of those that committed; zero while none has. No further job is agreed after it: each would put
    /// off the reveal of what stands committed.
    uint40 closesAt;
    /// Of jobs with auditors, where there are several: those that have committed and whose draw is not resolved yet; and until when the
    /// last of the others can be audited. Nothing is revealed before.
    uint8 undrawn;
    uint40 auditUntil;
}
