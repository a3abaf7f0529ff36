// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {ILedger} from "../../../../contracts/interfaces/ILedger.sol";
import {IMarketBase} from "../../../../contracts/interfaces/IMarketBase.sol";
import {IStaking} from "../../../../contracts/interfaces/IStaking.sol";
import {Acceptance} from "../../../../contracts/types/Acceptance.sol";
import {Job} from "../../../../contracts/types/Job.sol";
import {Pair} from "../../../../contracts/types/Pair.sol";
import {Request} from "../../../../contracts/types/Request.sol";
import {Agreeing} from "../../support/Agreeing.sol";
import {vm} from "../../support/Vm.sol";

contract TermsTest is Agreeing {
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

    function test_RevertWhen_TheMatchersFeeIsAboveTheCap() external {
        Request memory request = plainRequest();
        request.matcher = matcher.addr;
        request.matcherFee = uint128(ONE / 20 + 1);
        Pair memory pair = pairOf(request);
        vm.expectRevert(abi.encodeWithSelector(IMarketBase.MarketFeeAboveCap.selector, ONE / 20 + 1, ONE / 20));
        vm.prank(matcher.addr);
        market.agree(pair.request, pair.requestSignature, pair.acceptance, pair.acceptanceSignature);
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
}
