// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IMarketBase} from "../../../../contracts/interfaces/IMarketBase.sol";
import {HostileWallet} from "../../../../contracts/mocks/HostileWallet.sol";
import {OwnedWallet} from "../../../../contracts/mocks/OwnedWallet.sol";
import {Acceptance} from "../../../../contracts/types/Acceptance.sol";
import {Job} from "../../../../contracts/types/Job.sol";
import {JobState} from "../../../../contracts/types/JobState.sol";
import {Pair} from "../../../../contracts/types/Pair.sol";
import {Request} from "../../../../contracts/types/Request.sol";
import {SignOff} from "../../../../contracts/types/SignOff.sol";
import {Submission} from "../../../../contracts/types/Submission.sol";
import {Base} from "../../support/Base.sol";
import {vm} from "../../support/Vm.sol";

/// @dev Peers' mistakes with who signs and what an id is: each test is named after one.
contract PeersIdentity is Base {
    /// `tx.origin`: only who calls counts, whoever began the transaction.
    function test_TxOrigin() external {
        Job memory job = agreed();
        vm.expectRevert(abi.encodeWithSelector(IMarketBase.MarketNotRequester.selector, requester.addr, stranger.addr));
        vm.prank(stranger.addr, requester.addr);
        market.stop(job);
        vm.expectRevert(abi.encodeWithSelector(IMarketBase.MarketNotProvider.selector, job.terms.jobId, stranger.addr));
        vm.prank(stranger.addr, provider.addr);
        market.submit(job, submissionOf(job, 10));
        vm.expectRevert(abi.encodeWithSelector(IMarketBase.MarketNotDisputes.selector, stranger.addr));
        vm.prank(stranger.addr, address(game));
        market.voidJob(job);
        uint256 had = free(requester.addr);
        vm.expectRevert();
        vm.prank(stranger.addr, requester.addr);
        ledger.withdraw(stranger.addr, 1);
        assertEq(free(requester.addr), had, "nobody's balance but the caller's");
        vm.prank(requester.addr, stranger.addr);
        market.stop(job);
    }

    /// Caller-chosen ids: a job's id is the digest of the acceptance, and a record made up under an id is not the job.
    function test_CallerChosenIds() external {
        Pair memory pair = pairOf(plainRequest());
        Job memory job = agree(pair);
        assertEq(job.terms.jobId, market.acceptanceDigest(pair.acceptance), "id");
        Job memory other = copyOf(job);
        other.terms.jobId = keccak256("mine");
        refuse(other, abi.encodeWithSelector(IMarketBase.MarketWrongState.selector, other.terms.jobId, JobState.None));
        other = copyOf(job);
        other.terms.provider = stranger.addr;
        refuse(other, abi.encodeWithSelector(IMarketBase.MarketWrongRecord.selector, job.terms.jobId));
    }

    /// Identical requests sharing an id: equal wishes differ by their nonce, and one nonce is one job.
    function test_IdenticalRequestsSharingAnId() external {
        Request memory request = plainRequest();
        Job memory first = agree(pairOf(request));
        Acceptance memory acceptance = plainAcceptance(request);
        acceptance.nonce = 2;
        Pair memory again = pairOf(request, acceptance);
        vm.expectRevert(abi.encodeWithSelector(IMarketBase.MarketNoPlaceLeft.selector, first.terms.requestDigest, 1));
        market.agreePair(again);
        request.nonce = 2;
        Job memory second = agree(pairOf(request));
        assertTrue(first.terms.jobId != second.terms.jobId, "two ids");
        assertTrue(first.terms.requestDigest != second.terms.requestDigest, "two digests");
        second = submit(second, submissionOf(second, 10));
        assertState(first, JobState.Active);
    }

    /// EIP-712 domain without chain id: no message of one chain is one of another.
    function test_Eip712DomainWithoutChainId() external {
        Pair memory pair = pairOf(plainRequest());
        Job memory job = agreed();
        Submission memory submission = submissionOf(job, 10);
        bytes memory submitted = sign(provider, market.submissionDigest(submission));
        uint256 chain = block.chainid;
        vm.chainId(5);
        pair.acceptance.requestDigest = market.requestDigest(pair.request);
        refuse(pair, requester.addr);
        vm.expectRevert(abi.encodeWithSelector(IMarketBase.MarketBadSignature.selector, provider.addr));
        market.submitSigned(job, submission, submitted);
        vm.expectRevert(abi.encodeWithSelector(IMarketBase.MarketBadSignature.selector, requester.addr));
        market.announce(pair.request, pair.requestSignature);
        vm.chainId(chain);
        job = submit(job, submission);
        SignOff memory signOff = SignOff(job.terms.jobId, job.progress.traceRoot);
        bytes memory content = sign(requester, market.signOffDigest(signOff));
        vm.chainId(5);
        vm.expectRevert(abi.encodeWithSelector(IMarketBase.MarketBadSignature.selector, requester.addr));
        market.settleSignedOff(job, signOff, content);
    }

    /// EIP-712 domain without the contract: nor is one of another deployment.
    function test_Eip712DomainWithoutContract() external {
        Pair memory pair = pairOf(plainRequest());
        bytes32 before = pair.acceptance.requestDigest;
        deployMarket();
        assertTrue(before != market.requestDigest(pair.request), "another digest");
        pair.acceptance.requestDigest = market.requestDigest(pair.request);
        refuse(pair, requester.addr);
        pair.requestSignature = sign(requester, market.requestDigest(pair.request));
        refuse(pair, provider.addr);
    }

    /// Hostile ERC-1271 wallets, on either side: bounded gas, and no yes out of what they make of it.
    function test_HostileErc1271Wallets() external {
        for (uint8 mood = 0; mood < 5; ++mood) {
            if (mood == uint8(HostileWallet.Mood.ReturnBomb)) continue;
            address wallet = address(new HostileWallet(HostileWallet.Mood(mood)));
            Request memory request = plainRequest();
            Acceptance memory acceptance = plainAcceptance(request);
            acceptance.provider = wallet;
            uint256 gasBefore = gasleft();
            refuse(pairOf(request, acceptance), wallet);
            request.requester = wallet;
            refuse(pairOf(request), wallet);
            assertLe(gasBefore - gasleft(), 2_000_000, "gas of both");
        }
    }

    /// One that says yes in a hundred kilobytes is bound by its yes, and the answer is not copied.
    function test_HostileErc1271Wallets_ThatAnswerAtLength() external {
        address wallet = address(new HostileWallet(HostileWallet.Mood.ReturnBomb));
        fund(wallet, 10 * ONE);
        Request memory request = plainRequest();
        request.requester = wallet;
        Pair memory pair = pairOf(request);
        uint256 gasBefore = gasleft();
        Job memory job = agree(pair);
        assertLe(gasBefore - gasleft(), 1_000_000, "gas");
        job = submit(job, submissionOf(job, 10));
        market.settleSignedOff(job, SignOff(job.terms.jobId, job.progress.traceRoot), "");
        assertEq(free(provider.addr), ONE, "paid");
    }

    /// An honest wallet may change its mind about what is not agreed yet, and about nothing else.
    function test_HostileErc1271Wallets_ThatTakeBackTheirYes() external {
        OwnedWallet wallet = new OwnedWallet(requester.addr);
        fund(address(wallet), 10 * ONE);
        Request memory request = plainRequest();
        request.requester = address(wallet);
        Job memory job = agree(pairOf(request));
        vm.etch(address(wallet), address(new OwnedWallet(stranger.addr)).code);
        job = submit(job, submissionOf(job, 10));
        vm.warp(uint256(job.progress.windowEnd) + 1);
        market.settle(job);
        assertEq(free(provider.addr), ONE, "paid without another signature");
        request.nonce = 2;
        refuse(pairOf(request), address(wallet));
    }

    function refuse(Job memory job, bytes memory why) private {
        Submission memory submission = submissionOf(job, 10);
        vm.expectRevert(why);
        vm.prank(job.terms.provider);
        market.submit(job, submission);
    }

    function refuse(Pair memory pair, address signer) private {
        vm.expectRevert(abi.encodeWithSelector(IMarketBase.MarketBadSignature.selector, signer));
        market.agreePair(pair);
    }
}
