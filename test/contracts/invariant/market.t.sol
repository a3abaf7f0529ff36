// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {Strings} from "@openzeppelin/contracts/utils/Strings.sol";

import {ILedger} from "../../../contracts/interfaces/ILedger.sol";
import {IMarket} from "../../../contracts/interfaces/IMarket.sol";
import {IParameters} from "../../../contracts/interfaces/IParameters.sol";
import {IProvenance} from "../../../contracts/interfaces/IProvenance.sol";
import {IStaking} from "../../../contracts/interfaces/IStaking.sol";
import {Job} from "../../../contracts/types/Job.sol";
import {JobState} from "../../../contracts/types/JobState.sol";
import {Assert} from "../support/Assert.sol";
import {Handler} from "./Handler.sol";

/// @dev Named here, where the test runner looks for the contracts it calls.
contract MarketHandler is Handler {}

/// @dev The numbered invariants of the protocol, after any calls in any order. What a call must not do is seen in the call
/// itself (`broken`), by the number of the invariant that it breaks.
contract MarketInvariants is Assert {
    Handler internal handler;
    IMarket internal market;
    ILedger internal ledger;
    IStaking internal staking;
    mapping(bytes4 action => uint256) internal done;

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

    /// A run that does nothing proves nothing: each kind of call succeeds in some of these, and the invariants hold after all.
    function test_EveryActionHappens() external {
        bytes4[32] memory actions = handler.actions();
        bytes4[4] memory rare = handler.rareActions();
        for (uint256 run = 0; run < 20; ++run) {
            this.setUp();
            for (uint256 i = 0; i < 80; ++i) {
                uint256 seed = uint256(keccak256(abi.encode(run, i)));
                bytes4 action = seed % 16 == 0 ? rare[(seed >> 8) % 4] : actions[(seed >> 8) % 32];
                (bool ok, ) = address(handler).call(abi.encodePacked(action, keccak256(abi.encode(seed)), seed));
                if (ok) ++done[action];
            }
            everyInvariant();
        }
        for (uint256 i = 0; i < 36; ++i) {
            bytes4 action = i < 32 ? actions[i] : rare[i - 32];
            assertTrue(done[action] >= 2, string.concat("too seldom: ", Strings.toHexString(uint32(action), 4)));
        }
    }

    function everyInvariant() private view {
        this.invariant_I01_TheLedgerHoldsWhatItOwes();
        this.invariant_I02_EscrowLeavesAJobOnce();
        this.invariant_I03_NoPayWithALiveGameOrInAnOpenWindow();
        this.invariant_I04_WhatEndedStaysEnded();
        this.invariant_I05_LockedCollateralIsThatOfOpenJobs();
        this.invariant_I06_NoJobWithoutBothSignatures();
        this.invariant_I07_NoMoreJobsThanReplicas();
        this.invariant_I08_TheHonestProviderLosesNothing();
        this.invariant_I09_NobodyPaysAboveItsMaximum();
        this.invariant_I10_TermsAndParametersStay();
        this.invariant_I11_ProvenanceOnlyGrows();
        this.invariant_I12_EveryWeiIsAccountedFor();
    }

    function invariant_I01_TheLedgerHoldsWhatItOwes() external view {
        assertLe(owed(), IERC20(ledger.token()).balanceOf(address(ledger)), "I1: owed");
    }

    function invariant_I02_EscrowLeavesAJobOnce() external view {
        unbroken(2);
    }

    function invariant_I03_NoPayWithALiveGameOrInAnOpenWindow() external view {
        unbroken(3);
    }

    function invariant_I04_WhatEndedStaysEnded() external view {
        unbroken(4);
        uint256 count = handler.jobCount();
        for (uint256 i = 0; i < count; ++i) {
            bytes32 jobId = handler.jobAt(i).terms.jobId;
            JobState ended = handler.ended(jobId);
            JobState now_ = market.stateOf(jobId);
            assertTrue(ended == JobState.None ? isOpen(now_) : now_ == ended, "I4: state");
        }
    }

    function invariant_I05_LockedCollateralIsThatOfOpenJobs() external view {
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

    function invariant_I06_NoJobWithoutBothSignatures() external view {
        unbroken(6);
    }

    function invariant_I07_NoMoreJobsThanReplicas() external view {
        uint256 count = handler.jobCount();
        bytes32[] memory requests = new bytes32[](count);
        for (uint256 i = 0; i < count; ++i) {
            Job memory job = handler.jobAt(i);
            JobState state = market.stateOf(job.terms.jobId);
            if (!isOpen(state) && state != JobState.Settled) continue;
            requests[i] = job.terms.requestDigest;
            uint256 taken = 1;
            for (uint256 j = 0; j < i; ++j) {
                if (requests[j] == requests[i]) ++taken;
            }
            assertLe(taken, job.terms.replicas, "I7: jobs of a request");
        }
    }

    /// It submits in time, loses no game and signs nothing twice: its stake is whole, and all its results are paid.
    function invariant_I08_TheHonestProviderLosesNothing() external view {
        (uint256 total, , , ) = staking.stakeOf(handler.honest());
        assertEq(total, handler.honestStake(), "I8: stake");
        assertEq(ledger.freeBalance(handler.honest()), handler.honestFree(), "I8: pay");
    }

    function invariant_I09_NobodyPaysAboveItsMaximum() external view {
        uint256 count = handler.jobCount();
        for (uint256 i = 0; i < count; ++i) {
            Job memory job = handler.jobAt(i);
            assertLe(escrowOf(job), handler.maximumOf(job.terms.jobId), "I9: escrow");
        }
    }

    function invariant_I10_TermsAndParametersStay() external view {
        uint256 count = handler.jobCount();
        for (uint256 i = 0; i < count; ++i) assertTrue(market.isRecord(handler.jobAt(i)), "I10: terms");
        IParameters parameters = IParameters(market.parameters());
        count = handler.versionCount();
        for (uint32 i = 0; i < count; ++i) {
            assertEq(keccak256(abi.encode(parameters.paramsAt(i + 1))), handler.versions(i), "I10: version");
        }
    }

    function invariant_I11_ProvenanceOnlyGrows() external view {
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

    function invariant_I12_EveryWeiIsAccountedFor() external view {
        uint256 balance = IERC20(ledger.token()).balanceOf(address(ledger));
        assertEq(balance, handler.paidIn(), "I12: what came in and did not leave");
        assertEq(balance, owed(), "I12: is owed to somebody");
    }

    function owed() private view returns (uint256 sum) {
        address[] memory people = handler.people();
        sum = ledger.lineOf(address(staking)) + ledger.burned();
        for (uint256 i = 0; i < people.length; ++i) sum += ledger.freeBalance(people[i]);
        uint256 count = handler.jobCount();
        for (uint256 i = 0; i < count; ++i) {
            Job memory job = handler.jobAt(i);
            if (isOpen(job)) sum += escrowOf(job);
        }
    }

    function unbroken(uint256 number) private view {
        string memory what = handler.broken(number);
        assertTrue(bytes(what).length == 0, what);
    }

    function isOpen(Job memory job) private view returns (bool) {
        return isOpen(market.stateOf(job.terms.jobId));
    }

    function isOpen(JobState state) private pure returns (bool) {
        return state == JobState.Active || state == JobState.Committed || state == JobState.Submitted;
    }

    function escrowOf(Job memory job) private pure returns (uint256) {
        return uint256(job.terms.price) + job.terms.protocolFee + job.terms.matcherFee + job.terms.auditLine;
    }
}
