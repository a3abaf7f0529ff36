// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IMarketBase} from "../../../../contracts/interfaces/IMarketBase.sol";
import {Acceptance} from "../../../../contracts/types/Acceptance.sol";
import {Assurance} from "../../../../contracts/types/Assurance.sol";
import {Job} from "../../../../contracts/types/Job.sol";
import {JobState} from "../../../../contracts/types/JobState.sol";
import {Pair} from "../../../../contracts/types/Pair.sol";
import {Params} from "../../../../contracts/types/Params.sol";
import {ProvenanceRecord} from "../../../../contracts/types/ProvenanceRecord.sol";
import {Request} from "../../../../contracts/types/Request.sol";
import {SignOff} from "../../../../contracts/types/SignOff.sol";
import {Submission} from "../../../../contracts/types/Submission.sol";
import {Base} from "../../support/Base.sol";
import {vm} from "../../support/Vm.sol";

contract SettleTest is Base {
    uint256 internal constant FEE = ONE / 100;

    function test_WhenTheWindowIsOver_ItPaysAndFreesAndRecords() external {
        Job memory job = submitted();
        uint256 had = free(requester.addr);
        pass(job);

        vm.prank(stranger.addr);
        market.settle(job);

        assertState(job, JobState.Settled);
        assertEq(free(provider.addr), ONE, "provider");
        assertEq(free(treasury), FEE, "treasury");
        assertEq(free(requester.addr), had, "nothing comes back of a full result");
        assertEq(locked(provider.addr), 0, "collateral");
        assertEq(reputation.standingOf(provider.addr).completed, FEE, "weight of the fact");
        assertEq(market.placesTaken(plainRequest()), 1, "a settled job keeps its place");
        ProvenanceRecord memory entry = provenance.recordAt(job.progress.modelRoot, 0);
        assertEq(entry.jobId, job.terms.jobId, "job of the record");
        assertEq(entry.price, ONE, "price of the record");
        assertEq(entry.step, 100, "step of the record");
        assertEq(uint256(entry.assurance), uint256(Assurance.Window), "assurance");
        assertEq(entry.agreeing, 1, "agreeing");
    }

    function test_TheMatcherIsPaidAtSettlement() external {
        Request memory request = plainRequest();
        request.matcher = matcher.addr;
        request.matcherFee = uint128(ONE / 50);
        Pair memory pair = pairOf(request);
        vm.recordLogs();
        vm.prank(matcher.addr);
        market.agree(pair.request, pair.requestSignature, pair.acceptance, pair.acceptanceSignature);
        Job memory job;
        job = lastJob(job);
        assertEq(free(matcher.addr), 0, "nothing before");
        job = submit(job, submissionOf(job, 10));
        pass(job);
        market.settle(job);
        assertEq(free(matcher.addr), ONE / 50, "matcher");
    }

    function test_Window_BothEdges() external {
        Job memory job = submitted();
        vm.warp(job.progress.windowEnd);
        vm.expectRevert(
            abi.encodeWithSelector(
                IMarketBase.MarketTooEarly.selector,
                job.progress.windowEnd,
                uint256(job.progress.windowEnd) + 1
            )
        );
        market.settle(job);
        pass(job);
        market.settle(job);
    }

    function test_RevertWhen_ADisputeIsLive() external {
        Job memory job = submitted();
        pass(job);
        setStatus(job, 1, false, 0, 0);
        vm.expectRevert(abi.encodeWithSelector(IMarketBase.MarketDisputeLive.selector, job.terms.jobId));
        market.settle(job);
        (SignOff memory signOff, bytes memory signature) = signOffOf(job);
        vm.expectRevert(abi.encodeWithSelector(IMarketBase.MarketDisputeLive.selector, job.terms.jobId));
        market.settleSignedOff(job, signOff, signature);
        setStatus(job, 0, false, 0, 0);
        market.settle(job);
    }

    function test_RevertWhen_ADrawIsNotResolved() external {
        Job memory job = submitted();
        pass(job);
        setStatus(job, 0, false, type(uint40).max, 0);
        vm.expectRevert(abi.encodeWithSelector(IMarketBase.MarketDisputeLive.selector, job.terms.jobId));
        market.settle(job);
        setStatus(job, 0, false, uint40(block.timestamp), 0);
        market.settle(job);
    }

    function test_RevertWhen_ItIsNotSubmitted() external {
        Job memory job = agreed();
        vm.warp(block.timestamp + 1 days);
        vm.expectRevert(
            abi.encodeWithSelector(IMarketBase.MarketWrongState.selector, job.terms.jobId, JobState.Active)
        );
        market.settle(job);
    }

    /// Peers' mistake: a retry that pays twice.
    function test_RevertWhen_ItIsSettledAlready() external {
        Job memory job = submitted();
        pass(job);
        market.settle(job);
        vm.expectRevert(
            abi.encodeWithSelector(IMarketBase.MarketWrongState.selector, job.terms.jobId, JobState.Settled)
        );
        market.settle(job);
    }

    function test_WhenAPrefixStandsAfterAStop_ItPaysTheUnitsDone() external {
        Job memory job = agreed();
        uint256 had = free(requester.addr);
        job = stop(job);
        job = present(job, submissionOf(job, 3));
        pass(job);
        market.settle(job);
        // 1,000 units of init and 30 steps of 100, of 11,500 units.
        uint256 paid = (ONE * 4_000) / UNITS;
        uint256 fee = (FEE * 4_000) / UNITS;
        assertEq(free(provider.addr), paid, "provider");
        assertEq(free(treasury), fee, "treasury");
        assertEq(free(requester.addr) - had, ONE + FEE - paid - fee, "requester");
        assertEq(reputation.standingOf(provider.addr).completed, fee, "completed");
        assertEq(reputation.standingOf(provider.addr).late, 0, "late");
        assertEq(provenance.recordAt(job.progress.modelRoot, 0).step, 30, "step");
    }

    function test_WhenAPrefixStandsLate_ItHoldsBackAShare() external {
        Job memory job = agreed();
        vm.warp(uint256(job.terms.deadline) + 1);
        job = present(job, submissionOf(job, 3));
        pass(job);
        market.settle(job);
        uint256 paid = (ONE * 4_000) / UNITS;
        assertEq(free(provider.addr), paid - paid / 5, "provider");
        assertEq(reputation.standingOf(provider.addr).late, (FEE * 4_000) / UNITS, "late");
        assertEq(reputation.standingOf(provider.addr).completed, 0, "completed");
    }

    function test_WhenAFullResultStandsLate_ItHoldsBackAShareOfThePrice() external {
        Job memory job = agreed();
        vm.warp(uint256(job.terms.deadline) + 1);
        job = present(job, submissionOf(job, 10));
        pass(job);
        market.settle(job);
        assertEq(free(provider.addr), (ONE * 8) / 10, "provider");
        assertEq(free(treasury), FEE, "treasury");
    }

    function test_TheAuditLineGoesBackWithoutAnAudit() external {
        Job memory job = audited(0);
        assertEq(free(address(game)), 0, "game");
        assertEq(uint256(assuranceOf(job)), uint256(Assurance.Window), "assurance");
    }

    function test_TheAuditLineGoesToTheGameWithOne() external {
        Job memory job = audited(2);
        assertEq(free(address(game)), ONE / 2, "game");
        assertEq(uint256(assuranceOf(job)), uint256(Assurance.Audited), "assurance");
    }

    function test_WhenTheRequesterSignsOff_ItPaysAtOnce() external {
        Job memory job = submitted();
        (SignOff memory signOff, bytes memory signature) = signOffOf(job);
        market.settleSignedOff(job, signOff, signature);
        assertState(job, JobState.Settled);
        assertEq(free(provider.addr), ONE, "provider");
        assertEq(uint256(assuranceOf(job)), uint256(Assurance.SignedOff), "assurance");
    }

    function test_RevertWhen_TheSignOffIsForAnotherResult() external {
        Job memory job = submitted();
        (SignOff memory signOff, bytes memory signature) = signOffOf(job);
        signOff.traceRoot = keccak256("another");
        vm.expectRevert(
            abi.encodeWithSelector(IMarketBase.MarketWrongTrace.selector, job.progress.traceRoot, signOff.traceRoot)
        );
        market.settleSignedOff(job, signOff, signature);
        signOff.traceRoot = job.progress.traceRoot;
        signOff.jobId = keccak256("another");
        vm.expectRevert(abi.encodeWithSelector(IMarketBase.MarketWrongJob.selector, job.terms.jobId, signOff.jobId));
        market.settleSignedOff(job, signOff, signature);
    }

    function test_RevertWhen_SomebodyElseSignsOff() external {
        Job memory job = submitted();
        SignOff memory signOff = SignOff(job.terms.jobId, job.progress.traceRoot);
        bytes memory signature = sign(provider, market.signOffDigest(signOff));
        vm.expectRevert(abi.encodeWithSelector(IMarketBase.MarketBadSignature.selector, requester.addr));
        market.settleSignedOff(job, signOff, signature);
    }

    /// A requester must not sign off an early receipt over the head of a provider with a later one.
    function test_RevertWhen_ALaterReceiptMayStillCome() external {
        Job memory job = stop(agreed());
        uint256 graceEnd = block.timestamp + GRACE;
        job = present(job, submissionOf(job, 1));
        (SignOff memory signOff, bytes memory signature) = signOffOf(job);
        vm.warp(graceEnd);
        vm.expectRevert(abi.encodeWithSelector(IMarketBase.MarketTooEarly.selector, graceEnd, graceEnd + 1));
        market.settleSignedOff(job, signOff, signature);
        vm.warp(graceEnd + 1);
        market.settleSignedOff(job, signOff, signature);
    }

    function test_WhenAGameWasWonAndTheWindowPassed_TheAssuranceIsPlayed() external {
        Job memory job = submitted();
        pass(job);
        setStatus(job, 0, true, 0, 0);
        market.settle(job);
        assertEq(uint256(assuranceOf(job)), uint256(Assurance.Played), "assurance");
    }

    /// Finding F6: a friend that challenges and loses, and a sign-off in the same minute, prove nothing to anybody.
    function test_WhenAGameWasWonAndSignedOff_TheAssuranceIsSignedOff() external {
        Job memory job = submitted();
        setStatus(job, 0, true, 0, 0);
        (SignOff memory signOff, bytes memory signature) = signOffOf(job);
        market.settleSignedOff(job, signOff, signature);
        assertEq(uint256(assuranceOf(job)), uint256(Assurance.SignedOff), "assurance");
    }

    /// Finding F6: who challenged may be the provider's friend; drawn auditors say more.
    function test_WhenAGameWasWonAndAuditorsAgreed_TheAssuranceIsAudited() external {
        Job memory job = submitted();
        pass(job);
        setStatus(job, 0, true, 0, 3);
        market.settle(job);
        assertEq(uint256(assuranceOf(job)), uint256(Assurance.Audited), "assurance");
    }

    function test_AResultEqualToItsParentMakesNoRecord() external {
        Job memory parent = submitted();
        pass(parent);
        market.settle(parent);
        Request memory request = plainRequest();
        request.nonce = 2;
        request.parentRoot = parent.progress.modelRoot;
        Job memory job = agree(pairOf(request));
        Submission memory submission = submissionOf(job, 10);
        submission.modelRoot = request.parentRoot;
        job = submit(job, submission);
        pass(job);
        market.settle(job);
        assertState(job, JobState.Settled);
        assertEq(provenance.recordCount(request.parentRoot), 1, "records");
    }

    /// Where nobody judges, nobody is asked.
    function test_WhenThereIsNoGame_ItSettles() external {
        vm.startPrank(governor);
        (, Params memory params) = parameters.current();
        params.disputes = address(0);
        parameters.add(params);
        vm.stopPrank();
        Request memory request = plainRequest();
        Acceptance memory acceptance = plainAcceptance(request);
        acceptance.paramsVersion = 2;
        Job memory job = agree(pairOf(request, acceptance));
        job = submit(job, submissionOf(job, 10));
        setStatus(job, 1, false, 0, 0);
        pass(job);
        market.settle(job);
        assertState(job, JobState.Settled);
    }

    /// I10: a job keeps the parameters it was agreed under.
    function test_NewParametersChangeNothingForAJobInFlight() external {
        Job memory job = agreed();
        vm.startPrank(governor);
        (, Params memory params) = parameters.current();
        params.latenessBps = 5_000;
        params.receiptGrace = 1;
        params.treasury = stranger.addr;
        params.protocolFeeBps = 500;
        parameters.add(params);
        vm.stopPrank();
        vm.warp(uint256(job.terms.deadline) + GRACE);
        job = present(job, submissionOf(job, 10));
        pass(job);
        market.settle(job);
        assertEq(free(provider.addr), (ONE * 8) / 10, "the old holdback");
        assertEq(free(treasury), FEE, "the old fee and treasury");
        assertEq(free(stranger.addr), 0, "the new treasury");
    }

    function audited(uint256 auditors) private returns (Job memory job) {
        Request memory request = plainRequest();
        request.auditLine = uint128(ONE / 2);
        job = agree(pairOf(request));
        uint256 had = free(requester.addr);
        Submission memory submission = submissionOf(job, 10);
        job = commit(job, submission, "salt");
        job = reveal(job, submission, "salt");
        setStatus(job, 0, false, 0, auditors);
        pass(job);
        market.settle(job);
        assertEq(free(requester.addr) - had, auditors == 0 ? ONE / 2 : 0, "back to the requester");
    }

    function assuranceOf(Job memory job) private view returns (Assurance) {
        return provenance.recordAt(job.progress.modelRoot, 0).assurance;
    }

    function signOffOf(Job memory job) private view returns (SignOff memory signOff, bytes memory signature) {
        signOff = SignOff(job.terms.jobId, job.progress.traceRoot);
        signature = sign(requester, market.signOffDigest(signOff));
    }

    function pass(Job memory job) private {
        vm.warp(uint256(job.progress.windowEnd) + 1);
    }
}
