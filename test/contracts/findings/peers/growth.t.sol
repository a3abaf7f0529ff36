// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Acceptance} from "../../../../contracts/types/Acceptance.sol";
import {Job} from "../../../../contracts/types/Job.sol";
import {Pair} from "../../../../contracts/types/Pair.sol";
import {Params} from "../../../../contracts/types/Params.sol";
import {ProvenanceRecord} from "../../../../contracts/types/ProvenanceRecord.sol";
import {Request} from "../../../../contracts/types/Request.sol";
import {Submission} from "../../../../contracts/types/Submission.sol";
import {Base} from "../../support/Base.sol";
import {vm} from "../../support/Vm.sol";

/// @dev Peers' mistakes with what grows, and what must not shrink: each test is named after one.
contract PeersGrowth is Base {
    /// Between two measurements of one thing, for slots that happen to be warm.
    uint256 internal constant NOISE = 3_000;

    /// Scans that grow with open locks: stake costs as much to lock, free and withdraw with sixty jobs open as with three.
    function test_ScansThatGrowWithOpenLocks() external {
        open(1, 3);
        (uint256 locking, uint256 leaving) = (gasToAgree(10), gasToUnstake());
        open(100, 60);
        assertLe(gasToAgree(11), locking + NOISE, "agree");
        assertLe(gasToUnstake(), leaving + NOISE, "requestUnstake");
    }

    /// Unbounded loops at payout: neither steps, nor checkpoints, nor earlier records of the artifact make it dearer.
    function test_UnboundedLoopsAtPayout() external {
        gasToSettle(1, 1, 1);
        uint256 first = gasToSettle(2, 1, 1);
        assertLe(gasToSettle(3, 1, type(uint32).max), first + NOISE, "four billion checkpoints");
        assertLe(gasToSettle(4, type(uint32).max, type(uint32).max), first + NOISE, "one of four billion steps");
        for (uint64 i = 5; i < 20; ++i) gasToSettle(i, 10, 100);
        assertLe(gasToSettle(20, 10, 100), first + NOISE, "the twentieth record");
    }

    /// Deleted history: nothing that happens later takes away a record, or a version of the parameters.
    function test_DeletedHistory() external {
        Job memory job = submitted();
        vm.warp(uint256(job.progress.windowEnd) + 1);
        market.settle(job);
        bytes32 artifact = job.progress.modelRoot;
        bytes32 record = keccak256(abi.encode(provenance.recordAt(artifact, 0)));
        bytes32 version = keccak256(abi.encode(parameters.paramsAt(1)));

        vm.startPrank(requester.addr);
        market.cancelNonce(1);
        market.cancelRequest(plainRequest());
        vm.stopPrank();
        Params memory params = firstParams();
        params.treasury = stranger.addr;
        vm.prank(governor);
        parameters.add(params);
        vm.prank(provider.addr);
        staking.requestUnstake(1_000 * ONE);
        vm.warp(block.timestamp + 10 * 365 days);
        vm.prank(provider.addr);
        staking.withdrawStake();

        ProvenanceRecord[] memory records = provenance.provenanceOf(artifact);
        assertEq(records.length, 1, "records");
        assertEq(keccak256(abi.encode(records[0])), record, "record");
        assertEq(keccak256(abi.encode(parameters.paramsAt(1))), version, "version");
    }

    function open(uint64 from, uint64 count) private {
        for (uint64 i = 0; i < count; ++i) {
            Request memory request = plainRequest();
            request.nonce = from + i;
            agree(pairOf(request));
        }
    }

    function gasToAgree(uint64 nonce) private returns (uint256) {
        Request memory request = plainRequest();
        request.nonce = nonce;
        Pair memory pair = pairOf(request);
        return gasOf(address(market), abi.encodeCall(market.agreePair, (pair)));
    }

    function gasToUnstake() private returns (uint256 used) {
        vm.startPrank(provider.addr);
        used = gasOf(address(staking), abi.encodeCall(staking.requestUnstake, (1)));
        vm.stopPrank();
    }

    function gasToSettle(uint64 nonce, uint32 interval, uint32 steps) private returns (uint256) {
        Request memory request = plainRequest();
        request.nonce = nonce;
        (request.interval, request.steps, request.stepUnits) = (interval, steps, 1);
        Acceptance memory acceptance = plainAcceptance(request);
        acceptance.unitPrice = (ONE * 1e18) / (uint256(steps) + 1_500);
        Job memory job = agree(pairOf(request, acceptance));
        Submission memory submission = submissionOf(job, lastOf(job));
        submission.modelRoot = keccak256("the same");
        job = submit(job, submission);
        vm.warp(uint256(job.progress.windowEnd) + 1);
        return gasOf(address(market), abi.encodeCall(market.settle, (job)));
    }

    /// @dev Of a call whose words are laid out before.
    function gasOf(address to, bytes memory data) private returns (uint256 used) {
        bool ok;
        // The answer is not copied: the memory of this test grows, and would be measured too.
        assembly ("memory-safe") {
            used := gas()
            ok := call(gas(), to, 0, add(data, 0x20), mload(data), 0, 0)
            used := sub(used, gas())
        }
        assertTrue(ok, "the call went through");
    }
}
