// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Create2} from "@openzeppelin/contracts/utils/Create2.sol";

import {IProvenance} from "../../../../contracts/interfaces/IProvenance.sol";
import {StoredCode} from "../../../../contracts/libraries/StoredCode.sol";
import {Assurance} from "../../../../contracts/types/Assurance.sol";
import {Job} from "../../../../contracts/types/Job.sol";
import {ProvenanceRecord} from "../../../../contracts/types/ProvenanceRecord.sol";
import {Base} from "../../support/Base.sol";
import {vm} from "../../support/Vm.sol";

contract ProvenanceTest is Base {
    bytes32 internal constant MODEL = keccak256("model");

    function testFuzz_EveryFieldIsKept(uint256 seed, uint128 paid, uint8 assurance, uint8 agreeing) external {
        Job memory job = anyJob(seed);
        Assurance kind = Assurance(assurance % 6);
        write(job, paid, kind, agreeing);
        ProvenanceRecord memory entry = provenance.recordAt(MODEL, 0);
        assertEq(entry.jobId, job.terms.jobId, "job");
        assertEq(entry.programRoot, job.terms.programRoot, "program");
        assertEq(entry.dataRoot, job.terms.dataRoot, "data");
        assertEq(entry.parentRoot, job.terms.parentRoot, "parent");
        assertEq(entry.parentIndex, job.terms.parentIndex, "parent's place");
        assertEq(entry.stateRoot, job.progress.stateRoot, "state");
        assertEq(entry.step, 30, "step");
        assertEq(entry.evalRoot, job.progress.evalRoot, "eval");
        assertEq(entry.traceRoot, job.progress.traceRoot, "trace");
        assertEq(entry.seed, job.terms.seed, "seed");
        assertEq(entry.numerics, job.terms.numerics, "numerics");
        assertEq(entry.requester, job.terms.requester, "requester");
        assertEq(entry.provider, job.terms.provider, "provider");
        assertEq(entry.price, paid, "price");
        assertEq(entry.settledAt, block.timestamp, "time");
        assertEq(uint256(entry.assurance), uint256(kind), "assurance");
        assertEq(entry.agreeing, agreeing, "agreeing");
    }

    /// Peers' mistake: history that is deleted. I11: whatever is written later, what was written stays.
    function test_FurtherRecordsStandBehindTheFirst() external {
        for (uint128 i = 0; i < 5; ++i) {
            vm.prank(address(market));
            assertEq(provenance.write(anyJob(i), i, Assurance.Window, 1), i, "index");
            assertEq(provenance.recordCount(MODEL), i + 1, "count");
        }
        ProvenanceRecord[] memory records = provenance.provenanceOf(MODEL);
        for (uint128 i = 0; i < 5; ++i) {
            assertEq(records[i].price, i, "price");
            assertEq(records[i].jobId, anyJob(i).terms.jobId, "job");
        }
    }

    function test_RevertWhen_AnyoneElseWrites() external {
        vm.expectRevert(abi.encodeWithSelector(IProvenance.ProvenanceNotMarket.selector, governor));
        vm.prank(governor);
        provenance.write(anyJob(1), 1, Assurance.Window, 1);
    }

    function test_WhereThereIsNone() external {
        assertEq(provenance.recordCount(MODEL), 0, "count");
        assertEq(provenance.provenanceOf(MODEL).length, 0, "records");
        vm.expectRevert(abi.encodeWithSelector(IProvenance.ProvenanceNoRecord.selector, MODEL, 0));
        provenance.recordAt(MODEL, 0);
        write(anyJob(1), 1, Assurance.Window, 1);
        vm.expectRevert(abi.encodeWithSelector(IProvenance.ProvenanceNoRecord.selector, MODEL, 1));
        provenance.startOf(MODEL, 1);
        vm.expectRevert(abi.encodeWithSelector(IProvenance.ProvenanceNoRecord.selector, MODEL, 1));
        provenance.lineageOf(MODEL, 1, 3);
    }

    function test_TheLineageFollowsParents() external {
        bytes32 parent = 0;
        for (uint256 i = 0; i < 4; ++i) {
            Job memory job = anyJob(i);
            job.progress.modelRoot = keccak256(abi.encode("model", i));
            job.terms.parentRoot = parent;
            job.terms.parentIndex = 0;
            parent = job.progress.modelRoot;
            write(job, uint128(i), Assurance.Window, 1);
        }
        (bytes32[] memory roots, ProvenanceRecord[] memory records) = provenance.lineageOf(parent, 0, 100);
        assertEq(roots.length, 4, "as far as it goes");
        for (uint256 i = 0; i < 4; ++i) {
            assertEq(roots[i], keccak256(abi.encode("model", 3 - i)), "youngest first");
            assertEq(records[i].price, 3 - i, "record");
        }
        (roots, ) = provenance.lineageOf(parent, 0, 2);
        assertEq(roots.length, 2, "no deeper than asked");
        (roots, ) = provenance.lineageOf(parent, 0, 0);
        assertEq(roots.length, 0, "nothing asked");
    }

    function test_TheFallbackServesNothingOutsideAWrite() external {
        write(anyJob(1), 1, Assurance.Window, 1);
        (bool ok, bytes memory why) = address(provenance).call("");
        assertTrue(!ok, "reverts");
        assertEq(bytes32(bytes4(why)), bytes32(StoredCode.StoredCodeNothingPending.selector), "why");
    }

    /// Nothing but this contract can put code at a record's address; if something did, no other place would be taken.
    function test_RevertWhen_ThePlaceIsTaken() external {
        bytes32 salt = keccak256(abi.encode(MODEL, 1));
        address place = Create2.computeAddress(salt, keccak256(hex"5f5f5f5f335afa3d5f5f3e3d5ff3"), address(provenance));
        write(anyJob(1), 1, Assurance.Window, 1);
        vm.etch(place, hex"00");
        vm.expectRevert(abi.encodeWithSelector(StoredCode.StoredCodeFailed.selector));
        vm.prank(address(market));
        provenance.write(anyJob(2), 2, Assurance.Window, 1);
        assertEq(provenance.recordCount(MODEL), 1, "records");
    }

    function anyJob(uint256 seed) private pure returns (Job memory job) {
        job.terms.jobId = keccak256(abi.encode(seed, 1));
        job.terms.programRoot = keccak256(abi.encode(seed, 2));
        job.terms.dataRoot = keccak256(abi.encode(seed, 3));
        if (seed & 1 == 0) job.terms.parentRoot = keccak256(abi.encode(seed, 4));
        job.terms.parentIndex = uint32(seed >> 8);
        job.terms.seed = uint64(seed >> 40);
        job.terms.numerics = uint16(seed >> 104);
        job.terms.requester = address(uint160(seed >> 3));
        job.terms.provider = address(uint160(seed >> 5));
        job.terms.steps = 100;
        job.terms.interval = 10;
        job.progress.checkpoint = 3;
        job.progress.modelRoot = MODEL;
        job.progress.stateRoot = keccak256(abi.encode(seed, 5));
        job.progress.traceRoot = keccak256(abi.encode(seed, 6));
        if (seed & 2 == 0) job.progress.evalRoot = keccak256(abi.encode(seed, 7));
    }

    function write(Job memory job, uint128 paid, Assurance assurance, uint8 agreeing) private {
        vm.prank(address(market));
        provenance.write(job, paid, assurance, agreeing);
    }
}
