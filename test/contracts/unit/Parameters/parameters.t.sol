// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IParameters} from "../../../../contracts/interfaces/IParameters.sol";
import {Params} from "../../../../contracts/types/Params.sol";
import {Base} from "../../support/Base.sol";
import {vm} from "../../support/Vm.sol";

contract ParametersTest is Base {
    uint256 internal constant NUMBERS = 16;

    function test_AddMakesANewVersion_AndKeepsTheOld() external {
        Params memory params = firstParams();
        params.challengeWindow = 200;
        vm.prank(governor);
        assertEq(parameters.add(params), 2, "version");
        (uint32 version, Params memory current) = parameters.current();
        assertEq(version, 2, "newest");
        assertEq(keccak256(abi.encode(current)), keccak256(abi.encode(params)), "newest params");
        assertEq(
            keccak256(abi.encode(parameters.paramsAt(1))),
            keccak256(abi.encode(firstParams())),
            "the first version"
        );
        (uint32 again, uint40 until, Params memory same) = parameters.forAgreement();
        assertEq(again, 2, "version for an agreement");
        assertEq(until, 0, "pause");
        assertEq(keccak256(abi.encode(same)), keccak256(abi.encode(params)), "params for an agreement");
    }

    /// A parameter set out of bounds is refused for each number, at both bounds.
    function test_EveryNumberHasItsBounds() external {
        (Params memory min, Params memory max) = parameters.bounds();
        for (uint256 i = 0; i < NUMBERS; ++i) {
            accept(i, word(min, i));
            accept(i, word(max, i));
            refuse(i, word(max, i) + 1);
            if (word(min, i) != 0) refuse(i, word(min, i) - 1);
        }
    }

    function test_SharesAreOfOneWhole() external {
        Params memory params = firstParams();
        // Above both bounds at once is impossible here, so the whole has bounds of its own.
        address lax = create(
            "Parameters",
            abi.encode(address(this), guardian, minParams(), laxParams(), firstParams())
        );
        params.rewardBps = 5_001;
        params.burnBps = 5_000;
        vm.expectRevert(
            abi.encodeWithSelector(
                IParameters.ParametersOutOfBounds.selector,
                bytes32("rewardBps + burnBps"),
                10_001,
                0,
                10_000
            )
        );
        IParameters(lax).add(params);
        params.rewardBps = 5_000;
        IParameters(lax).add(params);
        params.latenessBps = 10_001;
        vm.expectRevert();
        IParameters(lax).add(params);
    }

    function test_StakeStaysForEveryWindow() external {
        Params memory params = firstParams();
        params.challengeWindow = 2 days;
        params.unbonding = 2 days;
        vm.expectRevert(
            abi.encodeWithSelector(
                IParameters.ParametersOutOfBounds.selector,
                bytes32("unbonding"),
                2 days,
                2 days + 1,
                type(uint32).max
            )
        );
        vm.prank(governor);
        parameters.add(params);
    }

    function test_RevertWhen_TheFirstVersionIsOutOfBounds() external {
        Params memory params = firstParams();
        params.protocolFeeBps = 501;
        bytes memory arguments = abi.encode(governor, guardian, minParams(), maxParams(), params);
        vm.expectRevert();
        this.createParameters(arguments);
    }

    function createParameters(bytes calldata arguments) external {
        create("Parameters", arguments);
    }

    function test_RevertWhen_AnyoneElseAdds() external {
        vm.expectRevert(abi.encodeWithSelector(IParameters.ParametersNotGovernor.selector, guardian));
        vm.prank(guardian);
        parameters.add(firstParams());
    }

    function test_RevertWhen_ThereIsNoSuchVersion() external {
        vm.expectRevert(abi.encodeWithSelector(IParameters.ParametersUnknownVersion.selector, 0));
        parameters.paramsAt(0);
        vm.expectRevert(abi.encodeWithSelector(IParameters.ParametersUnknownVersion.selector, 2));
        parameters.paramsAt(2);
    }

    function test_Pause_BothEdgesOfItsLength() external {
        uint256 latest = block.timestamp + 7 days;
        vm.startPrank(guardian);
        vm.expectRevert(abi.encodeWithSelector(IParameters.ParametersPauseTooLong.selector, latest + 1, latest));
        parameters.pause(uint40(latest + 1));
        parameters.pause(uint40(latest));
        assertEq(parameters.pausedUntil(), latest, "paused");
    }

    /// A guardian cannot string pauses together.
    function test_Pause_BothEdgesOfTheRest() external {
        vm.startPrank(guardian);
        uint256 end = block.timestamp + 1 days;
        parameters.pause(uint40(end));
        uint256 allowedAt = end + 7 days;
        vm.warp(allowedAt - 1);
        vm.expectRevert(abi.encodeWithSelector(IParameters.ParametersPauseTooSoon.selector, allowedAt - 1, allowedAt));
        parameters.pause(uint40(allowedAt + 1));
        vm.warp(allowedAt);
        parameters.pause(uint40(allowedAt + 1));
    }

    function test_Unpause_ByGuardianOrGovernor() external {
        vm.prank(guardian);
        parameters.pause(uint40(block.timestamp + 1 days));
        vm.expectRevert(abi.encodeWithSelector(IParameters.ParametersNotGuardian.selector, stranger.addr));
        vm.prank(stranger.addr);
        parameters.unpause();
        vm.prank(governor);
        parameters.unpause();
        assertEq(parameters.pausedUntil(), block.timestamp, "over");
        agreed();
        vm.warp(block.timestamp + 7 days - 1);
        vm.expectRevert();
        vm.prank(guardian);
        parameters.pause(uint40(block.timestamp + 1));
    }

    function test_Unpause_OfWhatIsOver_ChangesNothing() external {
        vm.startPrank(guardian);
        parameters.pause(uint40(block.timestamp + 1 days));
        parameters.unpause();
        uint256 ended = block.timestamp;
        assertEq(parameters.pausedUntil(), ended, "over");
        vm.warp(ended + 1);
        parameters.unpause();
        vm.stopPrank();
        assertEq(parameters.pausedUntil(), ended, "since then");
    }

    function test_RevertWhen_AnyoneElsePauses() external {
        vm.expectRevert(abi.encodeWithSelector(IParameters.ParametersNotGuardian.selector, governor));
        vm.prank(governor);
        parameters.pause(uint40(block.timestamp + 1));
    }

    function test_TheGovernorNamesTheGuardian() external {
        vm.expectRevert(abi.encodeWithSelector(IParameters.ParametersNotGovernor.selector, guardian));
        vm.prank(guardian);
        parameters.setGuardian(stranger.addr);
        vm.prank(governor);
        parameters.setGuardian(stranger.addr);
        vm.prank(stranger.addr);
        parameters.pause(uint40(block.timestamp + 1));
    }

    function accept(uint256 i, uint256 value) private {
        Params memory params = with(i, value);
        vm.prank(governor);
        parameters.add(params);
    }

    function refuse(uint256 i, uint256 value) private {
        Params memory params = with(i, value);
        vm.expectPartialRevert(IParameters.ParametersOutOfBounds.selector);
        vm.prank(governor);
        parameters.add(params);
    }

    /// @dev The first version with its `i`th number replaced, and the unbonding long or short enough to matter to nothing else.
    function with(uint256 i, uint256 value) private view returns (Params memory params) {
        params = firstParams();
        params.unbonding = 90 days;
        // Of `unbonding` itself the least value is judged.
        if (i == 4) params.challengeWindow = 1;
        params.rewardBps = 0;
        assembly ("memory-safe") {
            mstore(add(params, mul(i, 0x20)), value)
        }
    }

    function word(Params memory params, uint256 i) private pure returns (uint256 value) {
        assembly ("memory-safe") {
            value := mload(add(params, mul(i, 0x20)))
        }
    }

    function laxParams() private pure returns (Params memory params) {
        params = maxParams();
        params.rewardBps = type(uint16).max;
        params.burnBps = type(uint16).max;
        params.latenessBps = type(uint16).max;
    }
}
