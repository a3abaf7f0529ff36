// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Acceptance} from "../../../contracts/types/Acceptance.sol";
import {Job} from "../../../contracts/types/Job.sol";
import {JobState} from "../../../contracts/types/JobState.sol";
import {Request} from "../../../contracts/types/Request.sol";
import {Submission} from "../../../contracts/types/Submission.sol";
import {Base} from "../support/Base.sol";
import {vm} from "../support/Vm.sol";

/// @dev What a job pays, for any shape of job, price and checkpoint, against the arithmetic written down here once more.
contract MoneyFuzz is Base {
    struct Shape {
        uint32 steps;
        uint32 startStep;
        uint32 interval;
        uint64 initUnits;
        uint64 stepUnits;
        uint64 evalUnits;
        uint128 price;
        uint32 checkpoint;
        uint128 statedLoss;
        uint8 ending;
    }

    uint256 internal constant PURSE = type(uint128).max;

    /// I9 and I12: every unit that leaves the requester arrives somewhere, and never more than it signed for.
    function testFuzz_EveryUnitArrives(Shape memory shape) external {
        (Request memory request, uint256 units) = requestOf(shape);
        uint256 unitPrice = priceOf(shape, units);
        uint256 price = (unitPrice * units) / 1e18;
        if (price == 0) return;
        Job memory job = agreeAt(request, unitPrice);

        uint256 fee = price / 100;
        assertEq(job.terms.price, price, "price");
        assertEq(job.terms.protocolFee, fee, "protocol fee");
        assertEq(PURSE - free(requester.addr), price + fee, "escrow");
        assertLe(price + fee, request.maximum, "I9");

        uint32 k = uint32(within(shape.checkpoint, 1, lastOf(job)));
        bool late = shape.ending % 2 == 0;
        if (late) vm.warp(uint256(job.terms.deadline) + 1);
        else job = stop(job);
        job = present(job, submissionOf(job, k));
        vm.warp(uint256(job.progress.windowEnd) + 1);
        uint256 stakeBefore = staked(provider.addr);
        market.settle(job);

        uint256 paid = (price * unitsAt(request, k)) / units;
        if (late) paid -= (paid * 2_000) / 10_000;
        uint256 feePaid = (fee * unitsAt(request, k)) / units;
        assertEq(free(provider.addr), paid, "provider");
        assertEq(free(treasury), feePaid, "treasury");
        assertEq(free(requester.addr), PURSE - paid - feePaid, "I12: the rest comes back");
        assertEq(staked(provider.addr), stakeBefore, "stake");
        assertEq(locked(provider.addr), 0, "locked");
    }

    /// Paid is cumulative: a later checkpoint never pays less, and the last one pays the price.
    function testFuzz_LaterCheckpointsPayNoLess(Shape memory shape) external {
        (Request memory request, uint256 units) = requestOf(shape);
        uint256 price = (priceOf(shape, units) * units) / 1e18;
        uint256 span = request.steps - request.startStep;
        uint32 last = uint32((span + request.interval - 1) / request.interval);
        uint32 k = uint32(within(shape.checkpoint, 1, last));
        uint256 next = k < last ? k + 1 : last;
        assertLe((price * unitsAt(request, k)) / units, (price * unitsAt(request, next)) / units, "a later checkpoint");
        assertEq((price * unitsAt(request, last)) / units, price, "the last checkpoint");
    }

    function testFuzz_ASlashSharesTheWholeCollateral(Shape memory shape, uint128 extra, uint128 costs) external {
        (Request memory request, uint256 units) = requestOf(shape);
        uint256 unitPrice = priceOf(shape, units);
        if ((unitPrice * units) / 1e18 == 0) return;
        request.statedLoss = uint128(within(shape.statedLoss, 0, 1e30));
        Acceptance memory acceptance = plainAcceptance(request);
        acceptance.unitPrice = unitPrice;
        acceptance.collateral = uint128(2e30 + within(extra, 0, 1e30));
        rich();
        Job memory job = agree(pairOf(request, acceptance));
        job = submit(job, submissionOf(job, lastOf(job)));
        game.slash(market, job, stranger.addr, costs);

        uint256 collateral = acceptance.collateral;
        uint256 burn = (collateral * 2_500) / 10_000;
        uint256 reward = free(stranger.addr);
        uint256 damages = free(requester.addr) - PURSE;
        assertLe(burn, ledger.burned(), "the burn share is kept");
        assertLe(damages, request.statedLoss, "damages");
        assertLe(reward, costs + (collateral * 4_000) / 10_000, "costs and reward");
        assertEq(reward + damages + ledger.burned(), collateral, "all of it");
        assertState(job, JobState.Slashed);
    }

    /// Records are followed from words in calldata and memory: they must be the encodings that Solidity makes.
    function testFuzz_TheStoredRecordIsTheAbiEncoding(Shape memory shape) external {
        (Request memory request, uint256 units) = requestOf(shape);
        uint256 unitPrice = priceOf(shape, units);
        if ((unitPrice * units) / 1e18 == 0) return;
        Job memory job = agreeAt(request, unitPrice);
        assertTrue(market.isRecord(job), "after agree");
        job = submit(job, submissionOf(job, lastOf(job)));
        assertTrue(market.isRecord(job), "after submit");
        job.progress.windowEnd ^= 1;
        assertTrue(!market.isRecord(job), "another record");
    }

    function testFuzz_TheTraceRootIsTheDocumentedHash(Submission memory submission) external view {
        assertEq(market.traceRootOf(submission), traceRootOf(submission), "trace root");
    }

    function agreeAt(Request memory request, uint256 unitPrice) private returns (Job memory) {
        rich();
        Acceptance memory acceptance = plainAcceptance(request);
        acceptance.unitPrice = unitPrice;
        acceptance.collateral = uint128(1e30);
        return agree(pairOf(request, acceptance));
    }

    function rich() private {
        fund(requester.addr, PURSE - 1_000 * ONE);
        stake(provider.addr, 4e30);
    }

    function requestOf(Shape memory shape) private view returns (Request memory request, uint256 units) {
        request = plainRequest();
        request.steps = uint32(within(shape.steps, 1, type(uint32).max));
        request.startStep = 0;
        request.interval = uint32(within(shape.interval, 1, type(uint32).max));
        request.initUnits = shape.initUnits;
        request.stepUnits = shape.stepUnits == 0 ? 1 : shape.stepUnits;
        request.evalUnits = shape.evalUnits;
        request.maximum = 2e30;
        units = uint256(request.initUnits) + uint256(request.stepUnits) * request.steps + request.evalUnits;
    }

    /// @dev A unit price that makes a price of at most 1e30 units of the token.
    function priceOf(Shape memory shape, uint256 units) private pure returns (uint256) {
        uint256 unitPrice = (within(shape.price, 1, 1e30) * 1e18) / units;
        return unitPrice < type(uint128).max ? unitPrice : type(uint128).max;
    }

    function unitsAt(Request memory request, uint256 k) private pure returns (uint256) {
        uint256 done = k * request.interval;
        uint256 units = uint256(request.initUnits) + uint256(request.stepUnits) * request.steps;
        if (done >= request.steps) return units + request.evalUnits;
        return uint256(request.initUnits) + uint256(request.stepUnits) * done;
    }
}
