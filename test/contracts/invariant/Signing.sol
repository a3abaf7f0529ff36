// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Acceptance} from "../../../contracts/types/Acceptance.sol";
import {Job} from "../../../contracts/types/Job.sol";
import {Pair} from "../../../contracts/types/Pair.sol";
import {Request} from "../../../contracts/types/Request.sol";
import {vm} from "../support/Vm.sol";
import {Chronicle} from "./Chronicle.sol";

/// @dev Requests, acceptances, and what pretends to be one.
abstract contract Signing is Chronicle {
    function agree(uint256 seed) external {
        if (!tryRequest(mixed(seed))) revert NothingToDo();
    }

    /// @dev Several at once, as a market sees them.
    function agreeMany(uint256 seed) external {
        bool any = false;
        for (uint256 i = 0; i < 3; ++i) {
            if (tryRequest(uint256(keccak256(abi.encode(mixed(seed), i))))) any = true;
        }
        if (!any) revert NothingToDo();
    }

    /// @dev Continues or fine-tunes what was recorded.
    function succeed(uint256 seed) external {
        if (artifacts.length == 0) revert NothingToDo();
        seed = mixed(seed);
        Request memory request = requestFrom(seed | (1 << 48) | (1 << 56));
        request.nonce = ++_nonce;
        (request.replicas, request.auditLine) = (1, 0);
        request.parentRoot = artifacts[seed % artifacts.length];
        request.parentIndex = uint32((seed >> 8) % provenance.recordCount(request.parentRoot));
        if (seed % 3 != 0) {
            (request.startRoot, request.startStep) = provenance.startOf(request.parentRoot, request.parentIndex);
            request.steps += request.startStep;
        }
        if (!tryAgree(request, acceptanceFrom(request, seed, 0), seed)) revert NothingToDo();
    }

    /// I6: without both signatures over one request, chain and contract there is no job.
    function forge(uint256 seed) external {
        Request memory request = plainRequest();
        request.nonce = ++_nonce;
        Acceptance memory acceptance = plainAcceptance(request);
        (acceptance.paramsVersion, ) = parameters.current();
        Pair memory pair = pairOf(request, acceptance);
        uint256 kind = seed % 5;
        uint256 chain = block.chainid;
        if (kind == 0) pair.requestSignature = pair.acceptanceSignature;
        else if (kind == 1) pair.acceptanceSignature = pair.requestSignature;
        else if (kind == 2) pair.acceptance.unitPrice += 1;
        else if (kind == 3) pair.request.seed += 1;
        else vm.chainId(chain + 1);
        try market.agreePair(pair) {
            broken[6] = "I6: a job without both signatures";
        } catch {}
        vm.chainId(chain);
    }

    function cancel(uint256 seed) external {
        vm.prank(_requesters[seed % 2].addr);
        market.cancelNonce(uint64(_nonce + ((seed >> 8) % 3)));
    }

    function tryRequest(uint256 seed) private returns (bool any) {
        Request memory request = requestFrom(seed);
        // Sometimes a nonce that was used before.
        request.nonce = (seed >> 8) % 8 == 0 ? _nonce : ++_nonce;
        for (uint64 i = 0; i < request.replicas; ++i) {
            if (tryAgree(request, acceptanceFrom(request, seed, i), seed)) any = true;
        }
    }

    function requestFrom(uint256 seed) private view returns (Request memory request) {
        request = plainRequest();
        request.requester = _requesters[seed % 2].addr;
        request.steps = uint32(within(seed >> 16, 1, 300));
        request.interval = uint32(within(seed >> 32, 1, 40));
        request.replicas = (seed >> 48) % 4 == 0 ? 2 : 1;
        request.auditLine = (seed >> 56) % 5 == 0 ? uint128(within(seed >> 64, 1, ONE)) : 0;
        request.statedLoss = uint128(within(seed >> 72, 0, ONE));
        request.matcher = (seed >> 80) % 3 == 0 ? matcher.addr : address(0);
        request.matcherFee = uint128(within(seed >> 88, 0, ONE / 100));
        request.maximum = uint128(4 * ONE);
    }

    function acceptanceFrom(
        Request memory request,
        uint256 seed,
        uint64 nonce
    ) private view returns (Acceptance memory acceptance) {
        acceptance = plainAcceptance(request);
        // The honest provider takes only jobs that it can finish by itself.
        bool plain = request.replicas == 1 && request.auditLine == 0;
        acceptance.provider = _providers[plain ? (seed >> 96) % 2 : 1].addr;
        acceptance.unitPrice = within(seed >> 104, 1, 2 * ONE * 1e18) / UNITS + 1;
        acceptance.collateral = uint128(4 * ONE);
        acceptance.nonce = nonce;
        (acceptance.paramsVersion, ) = parameters.current();
    }

    function tryAgree(Request memory request, Acceptance memory acceptance, uint256 seed) private returns (bool) {
        Pair memory pair;
        pair.request = request;
        pair.requestSignature = sign(personOf(request.requester), market.requestDigest(request));
        pair.acceptance = acceptance;
        pair.acceptanceSignature = sign(personOf(acceptance.provider), market.acceptanceDigest(acceptance));
        vm.recordLogs();
        vm.prank((seed >> 240) % 2 == 0 ? matcher.addr : stranger.addr);
        try market.agreePair(pair) {
            Job memory job;
            begin(lastJob(job), request.maximum);
            return true;
        } catch {
            return false;
        }
    }
}
