// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IMarketBase} from "../../../../contracts/interfaces/IMarketBase.sol";
import {Acceptance} from "../../../../contracts/types/Acceptance.sol";
import {Job} from "../../../../contracts/types/Job.sol";
import {JobState} from "../../../../contracts/types/JobState.sol";
import {Request} from "../../../../contracts/types/Request.sol";
import {Submission} from "../../../../contracts/types/Submission.sol";
import {Base} from "../../support/Base.sol";
import {vm} from "../../support/Vm.sol";

contract DustTest is Base {
    /// @dev A job for one base unit, with as little behind it.
    function cheap(uint128 collateral) internal returns (Job memory job) {
        Request memory request = plainRequest();
        Acceptance memory acceptance = plainAcceptance(request);
        acceptance.unitPrice = 1e18 / UNITS + 1;
        acceptance.collateral = collateral;
        job = agree(pairOf(request, acceptance));
        return submit(job, submissionOf(job, 10));
    }

    function test_TheBurnShare_RoundsToNothingBelowFourUnits() external {
        Job memory job = cheap(3);
        game.slash(market, job, stranger.addr, type(uint256).max);
        assertState(job, JobState.Slashed);
        assertEq(free(stranger.addr), 3, "winner");
        assertEq(ledger.burned(), 0, "burned");
        assertEq(staked(provider.addr), 1_000 * ONE - 3, "stake");
    }

    function test_TheBurnShare_IsOneOfFourUnits() external {
        Job memory job = cheap(4);
        game.slash(market, job, stranger.addr, type(uint256).max);
        assertEq(free(stranger.addr), 3, "winner");
        assertEq(ledger.burned(), 1, "burned");
    }
}

contract SignedStandingTest is Base {
    /// @dev What stands needs no signature; one that is shown with it is looked at all the same.
    function conflict(bytes memory signature) internal returns (Job memory job) {
        job = submitted();
        Submission memory other = submissionOf(job, 10);
        other.prefixRoot = keccak256("another");
        bytes memory otherSignature = sign(provider, market.submissionDigest(other));
        Submission memory standing = submissionOf(job, 10);
        if (signature.length == 0) signature = sign(provider, market.submissionDigest(standing));
        else vm.expectRevert(abi.encodeWithSelector(IMarketBase.MarketBadSignature.selector, provider.addr));
        market.slashConflict(job, standing, signature, other, otherSignature);
    }

    function test_TheProvidersSignature_IsTaken() external {
        assertState(conflict(""), JobState.Slashed);
    }

    function test_RevertWhen_TheSignatureIsAnothers() external {
        Submission memory nothing;
        assertState(conflict(sign(stranger, market.submissionDigest(nothing))), JobState.Submitted);
    }
}
