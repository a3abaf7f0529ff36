// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IMarketBase} from "../../../../contracts/interfaces/IMarketBase.sol";
import {HostileWallet} from "../../../../contracts/mocks/HostileWallet.sol";
import {OwnedWallet} from "../../../../contracts/mocks/OwnedWallet.sol";
import {Pair} from "../../../../contracts/types/Pair.sol";
import {Request} from "../../../../contracts/types/Request.sol";
import {Agreeing} from "../../support/Agreeing.sol";
import {vm} from "../../support/Vm.sol";

contract SignersTest is Agreeing {
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
}
