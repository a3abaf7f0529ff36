// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {Strings} from "@openzeppelin/contracts/utils/Strings.sol";

import {ILedger} from "../../../contracts/interfaces/ILedger.sol";
import {IMarket} from "../../../contracts/interfaces/IMarket.sol";
import {IProvenance} from "../../../contracts/interfaces/IProvenance.sol";
import {IStaking} from "../../../contracts/interfaces/IStaking.sol";
import {Job} from "../../../contracts/types/Job.sol";
import {JobState} from "../../../contracts/types/JobState.sol";
import {Assert} from "../support/Assert.sol";
import {Handler} from "./Handler.sol";

/// @dev Named here, where the test runner looks for the contracts it calls.
contract MarketHandler is Handler {}

/// @dev The numbered invariants of the protocol, after any calls in any order.
contract MarketInvariants is Assert {
    Handler internal handler;
    IMarket internal market;
    ILedger internal ledger;
    IStaking internal staking;

    function setUp() external {
        handler = new MarketHandler();
        market = handler.contracts();
        ledger = ILedger(address(market));
        staking = IStaking(market.staking());
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    /// A run that does nothing proves nothing: each kind of call succeeds, and the invariants hold after a long drawn run.
    function test_EveryActionHappens() external {
        for (uint256 i = 0; i < 1_500; ++i) act(uint256(keccak256(abi.encode("run", i))));
        string[20] memory actions = [
            "deposit",
            "withdraw",
            "stake",
            "unstake",
            "withdrawStake",
            "agree",
            "forge",
            "cancel",
            "submit",
            "commit",
            "reveal",
            "stop",
            "receipt",
            "settle",
            "signOff",
            "expire",
            "slash",
            "conflict",
            "void",
            "prod"
        ];
        string memory counts = "";
        bool lazy = false;
        for (uint256 i = 0; i < actions.length; ++i) {
            uint256 times = handler.done(actions[i]);
            counts = string.concat(counts, actions[i], " ", Strings.toString(times), ", ");
            if (times < 3) lazy = true;
        }
        assertTrue(!lazy, string.concat("too seldom: ", counts));
        this.invariant_I1_I12_Solvency();
        this.invariant_I2_I3_I6_NothingForbiddenSucceeded();
        this.invariant_I4_EndedJobsStayEnded();
        this.invariant_I5_Collateral();
        this.invariant_I8_TheHonestProvider();
        this.invariant_I9_I10_Terms();
        this.invariant_I11_Provenance();
    }

    function act(uint256 seed) private {
        uint256 kind = seed % 32;
        uint256 a = seed >> 8;
        uint256 b = uint256(keccak256(abi.encode(seed)));
        if (kind < 8) handler.agree(a);
        else if (kind == 8) handler.submitFull(a);
        else if (kind < 11) handler.pass(a);
        else if (kind == 11) handler.presentOne(a, b);
        else if (kind == 12) handler.settleOne(a);
        else if (kind == 13) handler.deposit(a, b);
        else if (kind == 14) handler.withdraw(a, b);
        else if (kind == 15) handler.addStake(a, b);
        else if (kind == 16) handler.unstake(a, b % 1e6);
        else if (kind == 17) handler.withdrawStake(a);
        else if (kind == 18) handler.forge(a);
        else if (kind == 19) handler.cancel(a);
        else if (kind < 22) handler.commitOne(a, bytes32(b));
        else if (kind < 24) handler.revealOne(a);
        else if (kind < 26) handler.stopOne(a);
        else if (kind == 26) handler.signOffOne(a, b % 2 == 0);
        else if (kind == 27) handler.expireOne(a);
        else if (kind == 28) handler.play(a, b);
        else if (kind == 29) handler.slashOne(a, b);
        else if (kind == 30) (b % 4 == 0 ? handler.conflict : handler.voidOne)(a);
        else (b % 2 == 0 ? handler.prod : handler.govern)(a);
    }

    /// I1: the ledger holds what it owes. I12: and nothing that it does not account for.
    function invariant_I1_I12_Solvency() external view {
        address[] memory people = handler.people();
        uint256 owed = ledger.lineOf(address(staking)) + ledger.burned();
        for (uint256 i = 0; i < people.length; ++i) owed += ledger.freeBalance(people[i]);
        uint256 count = handler.jobCount();
        for (uint256 i = 0; i < count; ++i) {
            Job memory job = handler.jobAt(i);
            if (isOpen(job)) owed += escrowOf(job);
        }
        assertEq(IERC20(ledger.token()).balanceOf(address(ledger)), owed, "I1, I12: balance");
    }

    /// I2, I3, I4 and I6 are seen where they would break: in the call itself.
    function invariant_I2_I3_I6_NothingForbiddenSucceeded() external view {
        assertTrue(bytes(handler.broken()).length == 0, handler.broken());
    }

    /// I4: terminal states are terminal.
    function invariant_I4_EndedJobsStayEnded() external view {
        uint256 count = handler.jobCount();
        for (uint256 i = 0; i < count; ++i) {
            bytes32 jobId = handler.jobAt(i).terms.jobId;
            JobState ended = handler.ended(jobId);
            if (ended != JobState.None) assertTrue(market.stateOf(jobId) == ended, "I4");
        }
    }

    /// I5: locked collateral is that of the open jobs, and no more than the stake.
    function invariant_I5_Collateral() external view {
        address[] memory people = handler.people();
        for (uint256 p = 2; p < 4; ++p) {
            (uint256 total, uint256 locked, uint256 leaving, ) = staking.stakeOf(people[p]);
            uint256 sum = 0;
            uint256 count = handler.jobCount();
            for (uint256 i = 0; i < count; ++i) {
                Job memory job = handler.jobAt(i);
                if (job.terms.provider == people[p] && isOpen(job)) sum += job.terms.collateral;
            }
            assertEq(locked, sum, "I5: sum of open jobs");
            assertLe(locked, total, "I5: stake");
            assertLe(leaving, total, "I5: leaving");
        }
    }

    /// I7: open and settled jobs of a request are at most its replicas.
    function invariant_I7_Places() external view {
        uint256 count = handler.jobCount();
        for (uint256 i = 0; i < count; ++i) {
            Job memory job = handler.jobAt(i);
            uint256 taken = 0;
            for (uint256 j = 0; j < count; ++j) {
                Job memory other = handler.jobAt(j);
                if (other.terms.requestDigest != job.terms.requestDigest) continue;
                if (isOpen(other) || market.stateOf(other.terms.jobId) == JobState.Settled) ++taken;
            }
            assertLe(taken, job.terms.replicas, "I7");
        }
    }

    /// I8: a provider that submits in time and loses no game loses none of its stake.
    function invariant_I8_TheHonestProvider() external view {
        (uint256 total, , , ) = staking.stakeOf(handler.honest());
        assertEq(total, handler.honestStake(), "I8");
    }

    /// I9: what a job locks is within what was signed. I10: its terms are the ones agreed, at every moment.
    function invariant_I9_I10_Terms() external view {
        uint256 count = handler.jobCount();
        for (uint256 i = 0; i < count; ++i) {
            Job memory job = handler.jobAt(i);
            assertLe(escrowOf(job), handler.maximumOf(job.terms.jobId), "I9");
            assertTrue(market.isRecord(job), "I10");
        }
    }

    /// I11: provenance only grows.
    function invariant_I11_Provenance() external view {
        IProvenance provenance = IProvenance(market.provenance());
        uint256 count = handler.artifactCount();
        for (uint256 i = 0; i < count; ++i) {
            bytes32 artifact = handler.artifacts(i);
            bytes32[] memory seen = handler.recordsOf(artifact);
            assertEq(provenance.recordCount(artifact), seen.length, "I11: count");
            for (uint256 j = 0; j < seen.length; ++j) {
                assertEq(keccak256(abi.encode(provenance.recordAt(artifact, j))), seen[j], "I11: record");
            }
        }
    }

    function isOpen(Job memory job) private view returns (bool) {
        JobState state = market.stateOf(job.terms.jobId);
        return state == JobState.Active || state == JobState.Committed || state == JobState.Submitted;
    }

    function escrowOf(Job memory job) private pure returns (uint256) {
        return uint256(job.terms.price) + job.terms.protocolFee + job.terms.matcherFee + job.terms.auditLine;
    }
}
