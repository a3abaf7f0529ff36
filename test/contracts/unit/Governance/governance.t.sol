// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IGovernor} from "@openzeppelin/contracts/governance/IGovernor.sol";
import {IVotes} from "@openzeppelin/contracts/governance/utils/IVotes.sol";

import {IParameters} from "../../../../contracts/interfaces/IParameters.sol";
import {IStaking} from "../../../../contracts/interfaces/IStaking.sol";
import {Job} from "../../../../contracts/types/Job.sol";
import {Params} from "../../../../contracts/types/Params.sol";
import {Base} from "../../support/Base.sol";
import {vm} from "../../support/Vm.sol";

contract GovernanceTest is Base {
    struct Settings {
        uint48 votingDelay;
        uint32 votingPeriod;
        uint256 proposalThreshold;
        uint256 quorumBps;
    }

    uint256 internal constant BEGIN = START + 1;
    uint48 internal constant DELAY = 1 days;
    uint32 internal constant PERIOD = 3 days;
    uint256 internal constant TIMELOCK = 2 days;

    IGovernor internal stakeGovernor;
    IVotes internal votes;
    address internal timelock;

    function setUp() public override {
        // The governor comes after the timelock, the token, the game and the market's six contracts.
        uint256 nonce = vm.getNonce(address(this));
        timelock = create("Timelock", abi.encode(TIMELOCK, addressAt(address(this), nonce + 9)));
        governor = timelock;
        super.setUp();
        votes = IVotes(address(staking));
        Settings memory settings = Settings(DELAY, PERIOD, 10 * ONE, 1_000);
        stakeGovernor = IGovernor(create("StakeGovernor", abi.encode(staking, timelock, settings)));
        // Votes count as they were a second ago.
        vm.warp(BEGIN);
    }

    function test_StakeVotesForItsOwner_OrForWhomItNames() external {
        assertEq(votes.getVotes(provider.addr), 1_000 * ONE, "from the first unit on");
        stake(provider.addr, 5);
        assertEq(votes.getVotes(provider.addr), 1_000 * ONE + 5, "and each further one, once");
        vm.prank(provider.addr);
        votes.delegate(stranger.addr);
        assertEq(votes.getVotes(provider.addr), 0, "given away");
        assertEq(votes.getVotes(stranger.addr), 1_000 * ONE + 5, "to whom it named");
        stake(provider.addr, 5);
        assertEq(votes.getVotes(stranger.addr), 1_000 * ONE + 10, "staking more does not take it back");
    }

    function test_LeavingAndSlashedStakeDoesNotVote_AndCollateralDoes() external {
        Job memory job = submitted();
        assertEq(votes.getVotes(provider.addr), 1_000 * ONE, "collateral votes");
        vm.prank(provider.addr);
        staking.requestUnstake(400 * ONE);
        assertEq(votes.getVotes(provider.addr), 600 * ONE, "leaving stake does not");
        game.slash(market, job, stranger.addr, 0);
        assertEq(votes.getVotes(provider.addr), 599 * ONE, "slashed stake does not");
        vm.prank(provider.addr);
        staking.requestUnstake(599 * ONE);
        assertEq(votes.getVotes(provider.addr), 0, "nothing is left");
        vm.warp(block.timestamp + 1);
        assertEq(votes.getPastTotalSupply(block.timestamp - 1), 0, "nor in all");
    }

    function test_SlashingLeavingStakeTakesNoVotesOfOthers() external {
        stake(stranger.addr, 50 * ONE);
        Job memory job = submitted();
        vm.prank(provider.addr);
        staking.requestUnstake(1_000 * ONE);
        game.slash(market, job, matcher.addr, 0);
        assertEq(votes.getVotes(provider.addr), 0, "provider");
        assertEq(votes.getVotes(stranger.addr), 50 * ONE, "others");
    }

    function test_AProposalAddsAVersion_BothEdgesOfEveryStep() external {
        (address[] memory to, uint256[] memory values, bytes[] memory calls, bytes32 why) = proposal(2_000);
        vm.prank(provider.addr);
        uint256 id = stakeGovernor.propose(to, values, calls, "a longer window");

        vm.warp(BEGIN + DELAY);
        vm.expectRevert();
        vm.prank(provider.addr);
        stakeGovernor.castVote(id, 1);
        vm.warp(BEGIN + DELAY + 1);
        vm.prank(provider.addr);
        stakeGovernor.castVote(id, 1);

        vm.warp(BEGIN + DELAY + PERIOD);
        vm.expectRevert();
        stakeGovernor.queue(to, values, calls, why);
        vm.warp(BEGIN + DELAY + PERIOD + 1);
        vm.prank(stranger.addr);
        stakeGovernor.queue(to, values, calls, why);

        vm.warp(block.timestamp + TIMELOCK - 1);
        vm.expectRevert();
        stakeGovernor.execute(to, values, calls, why);
        vm.warp(block.timestamp + 1);
        vm.prank(stranger.addr);
        stakeGovernor.execute(to, values, calls, why);
        (uint32 version, Params memory params) = parameters.current();
        assertEq(version, 2, "version");
        assertEq(params.challengeWindow, 2_000, "window");
    }

    function test_AProposalFailsBelowQuorum() external {
        stake(stranger.addr, 99 * ONE);
        assertEq(
            uint256(voted(stranger, 1)),
            uint256(IGovernor.ProposalState.Defeated),
            "99 of 1,099, with 10 % needed"
        );
    }

    function test_AProposalPassesAtQuorum() external {
        stake(stranger.addr, 112 * ONE);
        assertEq(uint256(voted(stranger, 1)), uint256(IGovernor.ProposalState.Succeeded), "112 of 1,112");
    }

    function test_AProposalFailsAgainstAMajority() external {
        assertEq(uint256(voted(provider, 0)), uint256(IGovernor.ProposalState.Defeated), "voted down");
    }

    function test_RevertWhen_TheProposerHasTooLittle() external {
        stake(stranger.addr, 10 * ONE - 1);
        vm.warp(block.timestamp + 1);
        (address[] memory to, uint256[] memory values, bytes[] memory calls, ) = proposal(2_000);
        vm.expectRevert(
            abi.encodeWithSelector(
                IGovernor.GovernorInsufficientProposerVotes.selector,
                stranger.addr,
                10 * ONE - 1,
                10 * ONE
            )
        );
        vm.prank(stranger.addr);
        stakeGovernor.propose(to, values, calls, "too little");
    }

    /// A majority cannot leave the bounds that were fixed at deployment.
    function test_RevertWhen_AVoteGoesRoundTheBounds() external {
        (address[] memory to, uint256[] memory values, bytes[] memory calls, bytes32 why) = proposal(8 days);
        pass(to, values, calls, why);
        vm.expectPartialRevert(IParameters.ParametersOutOfBounds.selector);
        stakeGovernor.execute(to, values, calls, why);
    }

    /// Stake voted, then asked to leave at once: it is still there, to be slashed, when the change takes effect.
    function test_AVoteCannotBeCastAndCarriedAway() external {
        (address[] memory to, uint256[] memory values, bytes[] memory calls, bytes32 why) = proposal(2_000);
        vm.prank(provider.addr);
        uint256 id = stakeGovernor.propose(to, values, calls, "a longer window");
        vm.warp(BEGIN + DELAY + 1);
        vm.startPrank(provider.addr);
        stakeGovernor.castVote(id, 1);
        staking.requestUnstake(1_000 * ONE);
        vm.warp(BEGIN + DELAY + PERIOD + 1);
        stakeGovernor.queue(to, values, calls, why);
        vm.warp(block.timestamp + TIMELOCK);
        stakeGovernor.execute(to, values, calls, why);
        vm.expectPartialRevert(IStaking.StakingTooEarly.selector);
        staking.withdrawStake();
    }

    function test_NobodyElseHasPower() external {
        address[4] memory others = [address(this), address(stakeGovernor), guardian, provider.addr];
        for (uint256 i = 0; i < others.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IParameters.ParametersNotGovernor.selector, others[i]));
            vm.prank(others[i]);
            parameters.add(firstParams());
        }
        vm.prank(provider.addr);
        (bool ok, ) = timelock.call(
            abi.encodeWithSignature(
                "schedule(address,uint256,bytes,bytes32,bytes32,uint256)",
                address(parameters),
                0,
                "",
                bytes32(0),
                bytes32(0),
                TIMELOCK
            )
        );
        assertTrue(!ok, "scheduled past the governor");
    }

    function proposal(
        uint32 window
    ) private view returns (address[] memory to, uint256[] memory values, bytes[] memory calls, bytes32 why) {
        Params memory params = firstParams();
        params.challengeWindow = window;
        to = new address[](1);
        to[0] = address(parameters);
        values = new uint256[](1);
        calls = new bytes[](1);
        calls[0] = abi.encodeCall(parameters.add, (params));
        why = keccak256("a longer window");
    }

    function pass(address[] memory to, uint256[] memory values, bytes[] memory calls, bytes32 why) private {
        vm.prank(provider.addr);
        uint256 id = stakeGovernor.propose(to, values, calls, "a longer window");
        vm.warp(block.timestamp + DELAY + 1);
        vm.prank(provider.addr);
        stakeGovernor.castVote(id, 1);
        vm.warp(block.timestamp + PERIOD);
        stakeGovernor.queue(to, values, calls, why);
        vm.warp(block.timestamp + TIMELOCK);
    }

    function voted(Person memory who, uint8 support) private returns (IGovernor.ProposalState) {
        (address[] memory to, uint256[] memory values, bytes[] memory calls, ) = proposal(2_000);
        vm.warp(block.timestamp + 1);
        vm.prank(provider.addr);
        uint256 id = stakeGovernor.propose(to, values, calls, "a longer window");
        vm.warp(block.timestamp + DELAY + 1);
        vm.prank(who.addr);
        stakeGovernor.castVote(id, support);
        vm.warp(block.timestamp + PERIOD);
        return stakeGovernor.state(id);
    }
}
