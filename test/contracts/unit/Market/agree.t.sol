// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {ILedger} from "../../../../contracts/interfaces/ILedger.sol";
import {IMarketBase} from "../../../../contracts/interfaces/IMarketBase.sol";
import {IProvenance} from "../../../../contracts/interfaces/IProvenance.sol";
import {IStaking} from "../../../../contracts/interfaces/IStaking.sol";
import {HostileWallet} from "../../../../contracts/mocks/HostileWallet.sol";
import {OwnedWallet} from "../../../../contracts/mocks/OwnedWallet.sol";
import {Acceptance} from "../../../../contracts/types/Acceptance.sol";
import {Job} from "../../../../contracts/types/Job.sol";
import {JobState} from "../../../../contracts/types/JobState.sol";
import {Pair} from "../../../../contracts/types/Pair.sol";
import {Request} from "../../../../contracts/types/Request.sol";
import {Base} from "../../support/Base.sol";
import {vm} from "../../support/Vm.sol";

contract AgreeTest is Base {
    uint256 internal constant FEE = ONE / 100;

    function test_WhenHonest_ItLocksEscrowAndCollateralAndTakesThePlace() external {
        Request memory request = plainRequest();
        Pair memory pair = pairOf(request);
        uint256 before = free(requester.addr);

        Job memory job = agree(pair);

        assertState(job, JobState.Active);
        assertEq(job.terms.jobId, market.acceptanceDigest(pair.acceptance), "job id");
        assertEq(job.terms.requestDigest, market.requestDigest(request), "request digest");
        assertEq(job.terms.price, ONE, "price");
        assertEq(job.terms.protocolFee, FEE, "protocol fee");
        assertEq(job.terms.matcherFee, 0, "matcher fee");
        assertEq(job.terms.deadline, block.timestamp + RUN_TIME, "deadline");
        assertEq(job.terms.window, WINDOW, "window is kappa times the run time");
        assertEq(job.terms.treasury, treasury, "treasury");
        assertEq(job.terms.disputes, address(game), "game");
        assertEq(before - free(requester.addr), ONE + FEE, "escrow");
        assertEq(locked(provider.addr), ONE, "collateral");
        assertEq(market.placesTaken(request), 1, "places");
    }

    function test_WhenTheRunTimeIsShort_TheWindowIsTheLeastOne() external {
        Request memory request = plainRequest();
        request.runTime = 10;
        assertEq(agree(pairOf(request)).terms.window, 100, "window");
    }

    function test_WhenAnOperatorSigned_ItAgrees() external {
        Pair memory pair = pairOf(plainRequest());
        pair.acceptanceSignature = sign(operator, market.acceptanceDigest(pair.acceptance));
        assertEq(agree(pair).terms.provider, provider.addr, "provider");
    }

    function test_RevertWhen_TheOperatorWasDropped() external {
        Pair memory pair = pairOf(plainRequest());
        pair.acceptanceSignature = sign(operator, market.acceptanceDigest(pair.acceptance));
        vm.prank(provider.addr);
        staking.setOperator(operator.addr, false);
        refuse(pair, abi.encodeWithSelector(IMarketBase.MarketBadSignature.selector, provider.addr));
    }

    function test_WhenTheRequesterIsAContractThatApproves_ItAgrees() external {
        OwnedWallet wallet = new OwnedWallet(requester.addr);
        fund(address(wallet), 10 * ONE);
        Request memory request = plainRequest();
        request.requester = address(wallet);
        assertEq(agree(pairOf(request)).terms.requester, address(wallet), "requester");
    }

    function test_RevertWhen_TheContractAccountDoesNotApprove() external {
        Request memory request = plainRequest();
        request.requester = address(new OwnedWallet(stranger.addr));
        refuse(pairOf(request), abi.encodeWithSelector(IMarketBase.MarketBadSignature.selector, request.requester));
    }

    function test_RevertWhen_TheContractAccountIsHostile_InBoundedGas() external {
        for (uint8 mood = 0; mood < 5; ++mood) {
            Request memory request = plainRequest();
            request.requester = address(new HostileWallet(HostileWallet.Mood(mood)));
            Pair memory pair = pairOf(request);
            uint256 gasBefore = gasleft();
            if (mood == uint8(HostileWallet.Mood.ReturnBomb)) {
                // The answer is right, only long: its first word counts, and the rest is not copied.
                fund(request.requester, 10 * ONE);
                agree(pair);
                continue;
            }
            refuse(pair, abi.encodeWithSelector(IMarketBase.MarketBadSignature.selector, request.requester));
            assertLe(gasBefore - gasleft(), 1_000_000, "gas spent on a hostile wallet");
        }
    }

    function test_RevertWhen_TheRequestIsSignedBySomebodyElse() external {
        Pair memory pair = pairOf(plainRequest());
        pair.requestSignature = sign(stranger, market.requestDigest(pair.request));
        refuse(pair, abi.encodeWithSelector(IMarketBase.MarketBadSignature.selector, requester.addr));
    }

    function test_RevertWhen_TheAcceptanceIsSignedBySomebodyElse() external {
        Pair memory pair = pairOf(plainRequest());
        pair.acceptanceSignature = sign(stranger, market.acceptanceDigest(pair.acceptance));
        refuse(pair, abi.encodeWithSelector(IMarketBase.MarketBadSignature.selector, provider.addr));
    }

    function test_RevertWhen_ASignatureIsMalformed() external {
        Pair memory pair = pairOf(plainRequest());
        pair.requestSignature = hex"1234";
        refuse(pair, abi.encodeWithSelector(IMarketBase.MarketBadSignature.selector, requester.addr));
    }

    function test_RevertWhen_TheRequesterIsNobody() external {
        Request memory request = plainRequest();
        request.requester = address(0);
        Pair memory pair = pairOf(request);
        pair.requestSignature = new bytes(65);
        refuse(pair, abi.encodeWithSelector(IMarketBase.MarketBadSignature.selector, address(0)));
    }

    /// Peers' mistake: a signature domain without the chain's id.
    function test_RevertWhen_SignedForAnotherChain() external {
        Pair memory pair = pairOf(plainRequest());
        vm.chainId(5);
        // The acceptance names the digest of its own chain first of all.
        refuse(
            pair,
            abi.encodeWithSelector(
                IMarketBase.MarketWrongRequest.selector,
                market.requestDigest(pair.request),
                pair.acceptance.requestDigest
            )
        );
        pair.acceptance.requestDigest = market.requestDigest(pair.request);
        refuse(pair, abi.encodeWithSelector(IMarketBase.MarketBadSignature.selector, requester.addr));
    }

    /// Peers' mistake: a signature domain without the contract.
    function test_RevertWhen_SignedForAnotherMarket() external {
        Pair memory pair = pairOf(plainRequest());
        deployMarket();
        pair.acceptance.requestDigest = market.requestDigest(pair.request);
        refuse(pair, abi.encodeWithSelector(IMarketBase.MarketBadSignature.selector, requester.addr));
    }

    function test_RevertWhen_TheAcceptanceNamesAnotherRequest() external {
        Request memory request = plainRequest();
        Acceptance memory acceptance = plainAcceptance(request);
        acceptance.requestDigest = keccak256("another");
        refuse(
            pairOf(request, acceptance),
            abi.encodeWithSelector(
                IMarketBase.MarketWrongRequest.selector,
                market.requestDigest(request),
                acceptance.requestDigest
            )
        );
    }

    function test_RevertWhen_TheParametersHaveChangedSince() external {
        Pair memory pair = pairOf(plainRequest());
        vm.prank(governor);
        parameters.add(firstParams());
        refuse(pair, abi.encodeWithSelector(IMarketBase.MarketWrongParams.selector, 2, 1));
    }

    /// Peers' mistakes: identical requests that share an id; a retry that is not idempotent.
    function test_RevertWhen_ThePairIsAgreedTwice() external {
        Pair memory pair = pairOf(plainRequest());
        Job memory job = agree(pair);
        refuse(pair, abi.encodeWithSelector(IMarketBase.MarketJobExists.selector, job.terms.jobId));
    }

    function test_RevertWhen_TheRequestHasAJobAlready() external {
        Request memory request = plainRequest();
        agree(pairOf(request));
        Acceptance memory acceptance = plainAcceptance(request);
        acceptance.nonce = 2;
        refuse(
            pairOf(request, acceptance),
            abi.encodeWithSelector(IMarketBase.MarketNoPlaceLeft.selector, market.requestDigest(request), 1)
        );
    }

    function test_RevertWhen_AnotherRequestHasUsedTheNonce() external {
        agreed();
        Request memory request = plainRequest();
        request.seed = 43;
        refuse(
            pairOf(request),
            abi.encodeWithSelector(IMarketBase.MarketNoPlaceLeft.selector, market.requestDigest(request), 1)
        );
    }

    function test_WhenNoncesDiffer_EqualRequestsAreTwoJobs() external {
        Job memory first = agreed();
        for (uint64 nonce = 120; nonce < 136; ++nonce) {
            Request memory request = plainRequest();
            request.nonce = nonce;
            Job memory job = agree(pairOf(request));
            assertTrue(job.terms.jobId != first.terms.jobId, "two ids");
        }
        Request memory last = plainRequest();
        last.nonce = type(uint64).max;
        agree(pairOf(last));
    }

    function test_ExpiryOfTheRequest_BothEdges() external {
        Request memory request = plainRequest();
        Acceptance memory acceptance = plainAcceptance(request);
        acceptance.expiry = request.expiry + 10;
        Pair memory pair = pairOf(request, acceptance);
        vm.warp(uint256(request.expiry) + 1);
        refuse(pair, abi.encodeWithSelector(IMarketBase.MarketRequestExpired.selector, request.expiry));
        vm.warp(request.expiry);
        agree(pair);
    }

    function test_ExpiryOfTheAcceptance_BothEdges() external {
        Pair memory pair = pairOf(plainRequest());
        vm.warp(uint256(pair.acceptance.expiry) + 1);
        refuse(pair, abi.encodeWithSelector(IMarketBase.MarketAcceptanceExpired.selector, pair.acceptance.expiry));
        vm.warp(pair.acceptance.expiry);
        agree(pair);
    }

    function test_ExclusiveTime_BothEdges() external {
        Request memory request = plainRequest();
        request.matcher = matcher.addr;
        request.matcherFee = uint128(ONE / 100);
        request.exclusiveUntil = uint40(block.timestamp + 60);
        Pair memory pair = pairOf(request);
        bytes memory tooEarly = abi.encodeWithSelector(
            IMarketBase.MarketExclusive.selector,
            matcher.addr,
            request.exclusiveUntil
        );
        refuse(pair, tooEarly);
        vm.warp(request.exclusiveUntil);
        refuse(pair, tooEarly);
        vm.warp(uint256(request.exclusiveUntil) + 1);
        Job memory job = agree(pair);
        assertEq(job.terms.matcher, address(0), "nobody earns the fee");
        assertEq(job.terms.matcherFee, 0, "no fee");
    }

    function test_WhenTheMatcherCarries_ItEarnsItsFee() external {
        Request memory request = plainRequest();
        request.matcher = matcher.addr;
        request.matcherFee = uint128(ONE / 20);
        request.exclusiveUntil = uint40(block.timestamp + 60);
        Pair memory pair = pairOf(request);
        vm.recordLogs();
        vm.prank(matcher.addr);
        market.agree(pair.request, pair.requestSignature, pair.acceptance, pair.acceptanceSignature);
        Job memory job;
        job = lastJob(job);
        assertEq(job.terms.matcher, matcher.addr, "matcher");
        assertEq(job.terms.matcherFee, ONE / 20, "fee at the cap");
    }

    function test_RevertWhen_TheMatchersFeeIsAboveTheCap() external {
        Request memory request = plainRequest();
        request.matcher = matcher.addr;
        request.matcherFee = uint128(ONE / 20 + 1);
        Pair memory pair = pairOf(request);
        vm.expectRevert(abi.encodeWithSelector(IMarketBase.MarketFeeAboveCap.selector, ONE / 20 + 1, ONE / 20));
        vm.prank(matcher.addr);
        market.agree(pair.request, pair.requestSignature, pair.acceptance, pair.acceptanceSignature);
    }

    function test_RevertWhen_TheNonceIsCancelled() external {
        Pair memory pair = pairOf(plainRequest());
        vm.prank(requester.addr);
        market.cancelNonce(pair.request.nonce);
        refuse(
            pair,
            abi.encodeWithSelector(IMarketBase.MarketRequestCancelled.selector, market.requestDigest(pair.request))
        );
    }

    function test_RevertWhen_TheRequestIsCancelled() external {
        for (uint128 auditLine = 0; auditLine < 2; ++auditLine) {
            Request memory request = plainRequest();
            request.auditLine = auditLine;
            Pair memory pair = pairOf(request);
            vm.prank(requester.addr);
            market.cancelRequest(request);
            refuse(
                pair,
                abi.encodeWithSelector(IMarketBase.MarketRequestCancelled.selector, market.requestDigest(request))
            );
        }
    }

    function test_WhenSomebodyElseCancelsTheNonce_ItAgrees() external {
        vm.prank(stranger.addr);
        market.cancelNonce(1);
        agreed();
    }

    function test_Pause_BothEdges() external {
        Pair memory pair = pairOf(plainRequest());
        uint40 until = uint40(block.timestamp + 100);
        vm.prank(guardian);
        parameters.pause(until);
        vm.warp(until - 1);
        refuse(pair, abi.encodeWithSelector(IMarketBase.MarketPaused.selector, until));
        vm.warp(until);
        agree(pair);
    }

    function test_RevertWhen_TheMarketDoesNotKnowTheFields() external {
        Request memory request = plainRequest();
        request.numerics = 2;
        refuseField(request, "numerics");
        request = plainRequest();
        request.executor = 1;
        refuseField(request, "executor");
        request = plainRequest();
        request.access = 1;
        refuseField(request, "access");
        request = plainRequest();
        request.replicas = 0;
        refuseField(request, "replicas");
        request.replicas = 17;
        refuseField(request, "replicas");
        request = plainRequest();
        request.steps = 0;
        refuseField(request, "steps");
        request = plainRequest();
        request.interval = 0;
        refuseField(request, "interval");
        request = plainRequest();
        request.startStep = 10;
        refuseField(request, "startStep");
        request = plainRequest();
        request.startRoot = keccak256("state");
        refuseField(request, "startRoot");
        request = plainRequest();
        request.runTime = 0;
        refuseField(request, "runTime");
    }

    /// Stake must not be able to leave before a window is over.
    function test_RevertWhen_TheWindowWouldOutlastTheUnbonding() external {
        Request memory request = plainRequest();
        request.runTime = (UNBONDING * 10) / 15;
        refuseField(request, "runTime");
        request.runTime -= 1;
        agree(pairOf(request));
    }

    function test_RevertWhen_TheParentHasNoRecord() external {
        Request memory request = plainRequest();
        request.parentRoot = keccak256("nobody made this");
        refuse(pairOf(request), abi.encodeWithSelector(IProvenance.ProvenanceNoRecord.selector, request.parentRoot, 0));
    }

    function test_WhenTheRequestStartsFromARecord_ItsStateAndStepMustMatch() external {
        Job memory parent = submitted();
        vm.warp(uint256(parent.progress.windowEnd) + 1);
        market.settle(parent);

        Request memory request = plainRequest();
        request.nonce = 2;
        request.parentRoot = parent.progress.modelRoot;
        agree(pairOf(request));

        request.nonce = 3;
        request.steps = 200;
        request.startRoot = parent.progress.stateRoot;
        request.startStep = 99;
        bytes memory mismatch = abi.encodeWithSelector(
            IMarketBase.MarketParentMismatch.selector,
            parent.progress.stateRoot,
            100
        );
        refuse(pairOf(request), mismatch);
        request.startStep = 100;
        request.startRoot = keccak256("another state");
        refuse(pairOf(request), mismatch);
        request.startRoot = parent.progress.stateRoot;
        Job memory successor = agree(pairOf(request));
        assertEq(lastOf(successor), 10, "checkpoints from the start step on");
    }

    function test_TheMaximum_BothEdges() external {
        Request memory request = plainRequest();
        request.maximum = uint128(ONE + FEE - 1);
        refuse(
            pairOf(request),
            abi.encodeWithSelector(IMarketBase.MarketAboveMaximum.selector, ONE + FEE, ONE + FEE - 1)
        );
        request.maximum = uint128(ONE + FEE);
        agree(pairOf(request));
    }

    function test_RevertWhen_TheAuditLineExceedsTheMaximum() external {
        Request memory request = plainRequest();
        request.auditLine = request.maximum;
        refuse(
            pairOf(request),
            abi.encodeWithSelector(IMarketBase.MarketAboveMaximum.selector, 3 * ONE + FEE, 2 * ONE)
        );
    }

    function test_RevertWhen_TheUnitPriceIsAbsurd() external {
        Request memory request = plainRequest();
        Acceptance memory acceptance = plainAcceptance(request);
        acceptance.unitPrice = type(uint256).max;
        refuse(
            pairOf(request, acceptance),
            abi.encodeWithSelector(IMarketBase.MarketAboveMaximum.selector, type(uint256).max, 2 * ONE)
        );
    }

    function test_RevertWhen_TheProtocolFeeIsAboveWhatIsAccepted() external {
        Request memory request = plainRequest();
        request.maxProtocolFeeBps = 99;
        refuse(pairOf(request), abi.encodeWithSelector(IMarketBase.MarketFeeAboveCap.selector, 100, 99));
        request.maxProtocolFeeBps = 100;
        agree(pairOf(request));
    }

    function test_RevertWhen_ThePriceRoundsToZero() external {
        Request memory request = plainRequest();
        Acceptance memory acceptance = plainAcceptance(request);
        acceptance.unitPrice = (1e18 - 1) / UNITS;
        refuse(pairOf(request, acceptance), abi.encodeWithSelector(IMarketBase.MarketPriceRoundsToZero.selector));
        acceptance.unitPrice = (1e18 + UNITS - 1) / UNITS;
        assertEq(agree(pairOf(request, acceptance)).terms.price, 1, "dust is a price");
    }

    function test_RevertWhen_TheCollateralIsTooSmall() external {
        Request memory request = plainRequest();
        Acceptance memory acceptance = plainAcceptance(request);
        acceptance.collateral = uint128(ONE - 1);
        refuse(
            pairOf(request, acceptance),
            abi.encodeWithSelector(IMarketBase.MarketInsufficientCollateral.selector, ONE - 1, ONE)
        );
        request.minCollateral = uint128(ONE + 1);
        refuse(
            pairOf(request),
            abi.encodeWithSelector(IMarketBase.MarketInsufficientCollateral.selector, ONE, ONE + 1)
        );
        request.statedLoss = uint128(ONE + 2);
        refuse(
            pairOf(request),
            abi.encodeWithSelector(IMarketBase.MarketInsufficientCollateral.selector, ONE, ONE + 2)
        );
    }

    function test_RevertWhen_TheRequesterHasTooLittle() external {
        uint256 left = ONE + FEE - 1;
        uint256 out = free(requester.addr) - left;
        vm.prank(requester.addr);
        ledger.withdraw(stranger.addr, out);
        refuse(
            pairOf(plainRequest()),
            abi.encodeWithSelector(ILedger.LedgerInsufficientBalance.selector, requester.addr, left, ONE + FEE)
        );
    }

    function test_RevertWhen_TheProviderHasTooLittleStake() external {
        vm.prank(provider.addr);
        staking.requestUnstake(999 * ONE + 1);
        refuse(
            pairOf(plainRequest()),
            abi.encodeWithSelector(IStaking.StakingInsufficient.selector, provider.addr, ONE - 1, ONE)
        );
    }

    function refuse(Pair memory pair, bytes memory why) private {
        vm.expectRevert(why);
        market.agree(pair.request, pair.requestSignature, pair.acceptance, pair.acceptanceSignature);
    }

    function refuseField(Request memory request, bytes32 field) private {
        refuse(pairOf(request), abi.encodeWithSelector(IMarketBase.MarketUnsupportedRequest.selector, field));
    }
}
