// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";

import {ILedger} from "../../../../contracts/interfaces/ILedger.sol";
import {IMarketBase} from "../../../../contracts/interfaces/IMarketBase.sol";
import {IProvenance} from "../../../../contracts/interfaces/IProvenance.sol";
import {IReputation} from "../../../../contracts/interfaces/IReputation.sol";
import {IStaking} from "../../../../contracts/interfaces/IStaking.sol";
import {FeeToken} from "../../../../contracts/mocks/FeeToken.sol";
import {HookedToken} from "../../../../contracts/mocks/HookedToken.sol";
import {OddToken} from "../../../../contracts/mocks/OddToken.sol";
import {RebasingToken} from "../../../../contracts/mocks/RebasingToken.sol";
import {TestToken} from "../../../../contracts/mocks/TestToken.sol";
import {Job} from "../../../../contracts/types/Job.sol";
import {Base} from "../../support/Base.sol";
import {vm} from "../../support/Vm.sol";

contract LedgerTest is Base {
    bytes32 internal constant PERMIT_TYPEHASH = keccak256(
        "Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)"
    );

    function test_Deposit_CreditsTheAccount() external {
        fund(stranger.addr, 5);
        assertEq(free(stranger.addr), 5, "free");
    }

    function test_Deposit_Reverts() external {
        vm.expectRevert(abi.encodeWithSelector(ILedger.LedgerZeroAmount.selector));
        ledger.deposit(stranger.addr, 0);
        vm.expectRevert(abi.encodeWithSelector(ILedger.LedgerBadAccount.selector, address(0)));
        ledger.deposit(address(0), 1);
    }

    function test_DepositWithPermit_EvenIfSomebodyUsedItFirst() external {
        token.mint(stranger.addr, 10);
        for (uint256 i = 0; i < 2; ++i) {
            (uint8 v, bytes32 r, bytes32 s) = permitOf(5);
            if (i == 1) token.permit(stranger.addr, address(market), 5, block.timestamp, v, r, s);
            vm.prank(stranger.addr);
            ledger.depositWithPermit(requester.addr, 5, block.timestamp, v, r, s);
        }
        assertEq(token.balanceOf(stranger.addr), 0, "tokens");
        assertEq(free(requester.addr), 1_000 * ONE + 10, "free");
    }

    function test_DepositWithPermit_WithAWrongPermit_Reverts() external {
        token.mint(stranger.addr, 5);
        (uint8 v, bytes32 r, bytes32 s) = permitOf(4);
        vm.expectRevert();
        vm.prank(stranger.addr);
        ledger.depositWithPermit(stranger.addr, 5, block.timestamp, v, r, s);
    }

    function test_Withdraw_ToTheLastUnit() external {
        vm.prank(requester.addr);
        ledger.withdraw(stranger.addr, 1_000 * ONE);
        assertEq(token.balanceOf(stranger.addr), 1_000 * ONE, "tokens");
        assertEq(free(requester.addr), 0, "free");
    }

    /// Peers' mistake: a withdrawal that silently does nothing.
    function test_Withdraw_Reverts() external {
        vm.startPrank(requester.addr);
        vm.expectRevert(
            abi.encodeWithSelector(
                ILedger.LedgerInsufficientBalance.selector,
                requester.addr,
                1_000 * ONE,
                1_000 * ONE + 1
            )
        );
        ledger.withdraw(stranger.addr, 1_000 * ONE + 1);
        vm.expectRevert(abi.encodeWithSelector(ILedger.LedgerZeroAmount.selector));
        ledger.withdraw(stranger.addr, 0);
        vm.expectRevert(abi.encodeWithSelector(ILedger.LedgerBadAccount.selector, address(0)));
        ledger.withdraw(address(0), 1);
        vm.expectRevert(abi.encodeWithSelector(ILedger.LedgerBadAccount.selector, address(market)));
        ledger.withdraw(address(market), 1);
    }

    function test_ModulesMoveWithinTheAllowance() external {
        vm.prank(requester.addr);
        ledger.allowModule(address(this), 10);
        assertEq(ledger.allowedTo(requester.addr, address(this)), 10, "allowed");
        ledger.moveIn(requester.addr, 6);
        assertEq(ledger.lineOf(address(this)), 6, "line");
        vm.expectRevert(abi.encodeWithSelector(ILedger.LedgerNotAllowed.selector, requester.addr, address(this), 4, 5));
        ledger.moveIn(requester.addr, 5);
        ledger.moveOut(stranger.addr, 4);
        assertEq(free(stranger.addr), 4, "moved out");
        ledger.burnFromLine(2);
        assertEq(ledger.burned(), 2, "burned");
        vm.expectRevert(abi.encodeWithSelector(ILedger.LedgerInsufficientLine.selector, address(this), 0, 1));
        ledger.moveOut(stranger.addr, 1);
        vm.expectRevert(abi.encodeWithSelector(ILedger.LedgerInsufficientLine.selector, address(this), 0, 1));
        ledger.burnFromLine(1);
        vm.expectRevert(abi.encodeWithSelector(ILedger.LedgerBadAccount.selector, address(0)));
        ledger.moveOut(address(0), 0);
    }

    /// No admin and no game can take a balance that its owner did not put up.
    function test_NobodyMovesABalanceUnasked() external {
        address[3] memory callers = [governor, address(game), guardian];
        for (uint256 i = 0; i < callers.length; ++i) {
            vm.expectRevert(
                abi.encodeWithSelector(ILedger.LedgerNotAllowed.selector, requester.addr, callers[i], 0, 1)
            );
            vm.prank(callers[i]);
            ledger.moveIn(requester.addr, 1);
        }
    }

    function permitOf(uint256 value) private view returns (uint8 v, bytes32 r, bytes32 s) {
        bytes32 structHash = keccak256(
            abi.encode(
                PERMIT_TYPEHASH,
                stranger.addr,
                address(market),
                value,
                token.nonces(stranger.addr),
                block.timestamp
            )
        );
        return vm.sign(stranger.key, keccak256(abi.encodePacked(hex"1901", token.DOMAIN_SEPARATOR(), structHash)));
    }
}

contract LedgerTokensTest is Base {
    function test_AFeeToken_IsRefusedAtDeployment() external {
        FeeToken fee = new FeeToken();
        fee.setFee(100);
        token = fee;
        expectRefusal(abi.encodeWithSelector(ILedger.LedgerTokenMisbehaves.selector, PROBE, (PROBE * 99) / 100));
    }

    function test_ATokenThatReturnsFalse_IsRefusedAtDeployment() external {
        OddToken odd = new OddToken();
        odd.setFails(true);
        token = TestToken(address(odd));
        expectRefusal(abi.encodeWithSelector(SafeERC20.SafeERC20FailedOperation.selector, address(odd)));
    }

    function test_AFeeThatComesLater_IsRefusedAtTheDeposit() external {
        FeeToken fee = new FeeToken();
        token = fee;
        deployMarket();
        fund(stranger.addr, 1_000);
        fee.setFee(100);
        fee.mint(address(this), 1_000);
        fee.approve(address(market), 1_000);
        vm.expectRevert(abi.encodeWithSelector(ILedger.LedgerTokenMisbehaves.selector, 2_000, 1_990));
        ledger.deposit(stranger.addr, 1_000);
        vm.prank(stranger.addr);
        ledger.withdraw(stranger.addr, 1_000);
        assertEq(fee.balanceOf(stranger.addr), 990, "the fee is the receiver's, the ledger owes nothing");
    }

    /// Charged on top, a fee would be paid out of everybody else's money.
    function test_ASurcharge_IsRefusedAtTheWithdrawal() external {
        FeeToken fee = new FeeToken();
        token = fee;
        deployMarket();
        fund(stranger.addr, 1_000);
        fund(requester.addr, 1_000);
        fee.setSurcharge(100);
        vm.expectRevert(abi.encodeWithSelector(ILedger.LedgerTokenMisbehaves.selector, 1_000, 990));
        vm.prank(stranger.addr);
        ledger.withdraw(stranger.addr, 1_000);
    }

    /// A rebasing token cannot be seen at deployment. Growth is nobody's; shrinkage hits whoever withdraws last.
    function test_ARebasingToken_NeverLetsTheLedgerOweMoreThanItSays() external {
        RebasingToken rebasing = new RebasingToken();
        token = rebasing;
        deployMarket();
        fund(stranger.addr, 1_000);
        rebasing.setIndex(2e18);
        assertEq(free(stranger.addr), 1_000, "growth is not credited");
        rebasing.setIndex(1e18);
        vm.prank(stranger.addr);
        ledger.withdraw(stranger.addr, 1_000);
    }

    function test_AReentrantToken_GetsNowhere() external {
        HookedToken hooked = new HookedToken();
        token = hooked;
        deployMarket();
        fund(stranger.addr, 1_000);
        hooked.setHook(address(ledger), abi.encodeCall(ledger.deposit, (stranger.addr, 1)));
        vm.prank(stranger.addr);
        ledger.withdraw(stranger.addr, 400);
        assertTrue(!hooked.hookSucceeded(), "a deposit inside a withdrawal");
        hooked.setHook(address(ledger), abi.encodeCall(ledger.withdraw, (stranger.addr, 1)));
        fund(stranger.addr, 1);
        assertTrue(!hooked.hookSucceeded(), "a withdrawal inside a deposit");
        assertEq(free(stranger.addr), 601, "free");
    }

    /// A receiver that the token refuses blocks nobody: settlement moves no tokens.
    function test_ARefusedReceiver_BlocksOnlyItself() external {
        HookedToken hooked = new HookedToken();
        token = hooked;
        deployMarket();
        fund(requester.addr, 10 * ONE);
        stake(provider.addr, 10 * ONE);
        hooked.refuse(provider.addr, true);
        Job memory job = submitted();
        vm.warp(uint256(job.progress.windowEnd) + 1);
        market.settle(job);
        assertEq(free(provider.addr), ONE, "paid");
        vm.expectRevert(abi.encodeWithSelector(HookedToken.Refused.selector, provider.addr));
        vm.prank(provider.addr);
        ledger.withdraw(provider.addr, ONE);
        vm.prank(provider.addr);
        ledger.withdraw(stranger.addr, ONE);
    }

    function test_AMarketWithoutAProbe_IsRefused() external {
        (Modules memory modules, address sidePaths) = freshModules();
        refuse(modules, sidePaths, 0, abi.encodeWithSelector(ILedger.LedgerZeroAmount.selector));
    }

    /// Each of them was made for the market of `setUp`.
    function test_MiswiredModules_AreRefused() external {
        (Modules memory modules, address sidePaths) = freshModules();
        modules.staking = staking;
        refuseWiring(modules, sidePaths, address(staking));
        (modules, sidePaths) = freshModules();
        modules.reputation = reputation;
        refuseWiring(modules, sidePaths, address(reputation));
        (modules, sidePaths) = freshModules();
        modules.provenance = provenance;
        refuseWiring(modules, sidePaths, address(provenance));
        (modules, sidePaths) = freshModules();
        refuseWiring(modules, stranger.addr, stranger.addr);
        refuseWiring(modules, market.sidePaths(), market.sidePaths());
    }

    function createMarket(bytes calldata arguments) external {
        create("Market", arguments);
    }

    /// @dev Modules for the market that this contract would make next.
    function freshModules() private returns (Modules memory modules, address sidePaths) {
        address predicted = addressAt(address(this), vm.getNonce(address(this)) + 4);
        modules.token = token;
        modules.parameters = parameters;
        modules.staking = IStaking(create("Staking", abi.encode(predicted, parameters)));
        modules.reputation = IReputation(create("Reputation", abi.encode(predicted, uint8(6))));
        modules.provenance = IProvenance(create("Provenance", abi.encode(predicted)));
        sidePaths = create("SidePaths", abi.encode(modules));
    }

    function refuseWiring(Modules memory modules, address sidePaths, address who) private {
        refuse(modules, sidePaths, PROBE, abi.encodeWithSelector(IMarketBase.MarketMiswired.selector, who));
    }

    function refuse(Modules memory modules, address sidePaths, uint256 probe, bytes memory why) private {
        bytes memory arguments = abi.encode(modules, sidePaths, probe);
        vm.expectRevert(why);
        this.createMarket(arguments);
    }

    function expectRefusal(bytes memory why) private {
        token.mint(address(this), PROBE);
        (Modules memory modules, address sidePaths) = freshModules();
        token.approve(addressAt(address(this), vm.getNonce(address(this))), PROBE);
        refuse(modules, sidePaths, PROBE, why);
    }
}
