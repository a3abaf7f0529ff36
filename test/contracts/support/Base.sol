// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

import {ILedger} from "../../../contracts/interfaces/ILedger.sol";
import {IMarket} from "../../../contracts/interfaces/IMarket.sol";
import {IMarketBase} from "../../../contracts/interfaces/IMarketBase.sol";
import {IParameters} from "../../../contracts/interfaces/IParameters.sol";
import {IProvenance} from "../../../contracts/interfaces/IProvenance.sol";
import {IReputation} from "../../../contracts/interfaces/IReputation.sol";
import {IStaking} from "../../../contracts/interfaces/IStaking.sol";
import {ScriptedGame} from "../../../contracts/mocks/ScriptedGame.sol";
import {TestToken} from "../../../contracts/mocks/TestToken.sol";
import {Acceptance} from "../../../contracts/types/Acceptance.sol";
import {Job, Progress, Terms} from "../../../contracts/types/Job.sol";
import {JobState} from "../../../contracts/types/JobState.sol";
import {Pair} from "../../../contracts/types/Pair.sol";
import {Params} from "../../../contracts/types/Params.sol";
import {Request} from "../../../contracts/types/Request.sol";
import {SignOff} from "../../../contracts/types/SignOff.sol";
import {Submission} from "../../../contracts/types/Submission.sol";
import {Assert} from "./Assert.sol";
import {Vm, vm} from "./Vm.sol";

/// @dev A deployed market with the bytecode that is deployed for real, people with keys, and honest messages.
abstract contract Base is Assert {
    struct Person {
        address addr;
        uint256 key;
    }

    struct Modules {
        IERC20 token;
        IStaking staking;
        IReputation reputation;
        IProvenance provenance;
        IParameters parameters;
    }

    uint256 internal constant ONE = 1e6;
    uint256 internal constant PROBE = 1e6;
    uint256 internal constant UNITS = 1_000 + 100 * 100 + 500;
    uint256 internal constant START = 1_800_000_000;

    uint32 internal constant WINDOW = 900;
    uint32 internal constant GRACE = 50;
    uint32 internal constant REVEAL = 60;
    uint32 internal constant RUN_TIME = 600;
    uint32 internal constant UNBONDING = 10 days;

    TestToken internal token;
    IStaking internal staking;
    IReputation internal reputation;
    IProvenance internal provenance;
    IParameters internal parameters;
    IMarket internal market;
    ILedger internal ledger;
    ScriptedGame internal game;

    Person internal requester = person("requester");
    Person internal provider = person("provider");
    Person internal operator = person("operator");
    Person internal matcher = person("matcher");
    Person internal stranger = person("stranger");
    address internal treasury = person("treasury").addr;
    address internal governor = person("governor").addr;
    address internal guardian = person("guardian").addr;

    function setUp() public virtual {
        vm.warp(START);
        token = new TestToken();
        game = new ScriptedGame();
        deployMarket();
        fund(requester.addr, 1_000 * ONE);
        stake(provider.addr, 1_000 * ONE);
        vm.prank(provider.addr);
        staking.setOperator(operator.addr, true);
    }

    function deployMarket() internal {
        token.mint(address(this), PROBE);
        // Parameters, staking, reputation, provenance and side paths come first.
        address predicted = addressAt(address(this), vm.getNonce(address(this)) + 5);
        token.approve(predicted, PROBE);
        parameters = IParameters(
            create("Parameters", abi.encode(governor, guardian, minParams(), maxParams(), firstParams()))
        );
        staking = IStaking(create("Staking", abi.encode(predicted, parameters)));
        reputation = IReputation(create("Reputation", abi.encode(predicted, uint8(6))));
        provenance = IProvenance(create("Provenance", abi.encode(predicted)));
        Modules memory modules = Modules(token, staking, reputation, provenance, parameters);
        address sidePaths = create("SidePaths", abi.encode(modules));
        market = IMarket(create("Market", abi.encode(modules, sidePaths, PROBE)));
        ledger = ILedger(address(market));
        require(address(market) == predicted, "the market is not where it was expected");
    }

    // What is deployed

    function firstParams() internal view virtual returns (Params memory params) {
        params.challengeWindow = 100;
        params.kappaBps = 15_000;
        params.receiptGrace = GRACE;
        params.revealTime = REVEAL;
        params.unbonding = UNBONDING;
        params.disputeClock = 1 days;
        params.protocolFeeBps = 100;
        params.matcherFeeCapBps = 500;
        params.collateralBps = 10_000;
        params.latenessBps = 2_000;
        params.expiryPenaltyBps = 1_000;
        params.rewardBps = 4_000;
        params.burnBps = 2_500;
        params.auditRateBps = 1_000;
        params.auditFloorBps = 100;
        params.challengeBond = uint128(ONE);
        params.treasury = treasury;
        params.disputes = address(game);
    }

    function minParams() internal pure returns (Params memory params) {
        params.challengeWindow = 1;
        params.receiptGrace = 1;
        params.revealTime = 1;
        params.unbonding = 2;
        params.disputeClock = 1;
        params.burnBps = 2_500;
    }

    function maxParams() internal pure returns (Params memory params) {
        params.challengeWindow = 7 days;
        params.kappaBps = 40_000;
        params.receiptGrace = 1 days;
        params.revealTime = 1 days;
        params.unbonding = 90 days;
        params.disputeClock = 7 days;
        params.protocolFeeBps = 500;
        params.matcherFeeCapBps = 1_000;
        params.collateralBps = 60_000;
        params.latenessBps = 5_000;
        params.expiryPenaltyBps = 5_000;
        params.rewardBps = 5_000;
        params.burnBps = 5_000;
        params.auditRateBps = 5_000;
        params.auditFloorBps = 1_000;
        params.challengeBond = uint128(1_000 * ONE);
    }

    // People and their money

    function person(string memory name) internal returns (Person memory who) {
        who.key = uint256(keccak256(bytes(name)));
        who.addr = vm.addr(who.key);
        vm.label(who.addr, name);
    }

    function fund(address account, uint256 amount) internal {
        token.mint(address(this), amount);
        token.approve(address(market), amount);
        ledger.deposit(account, amount);
    }

    function stake(address account, uint256 amount) internal {
        fund(account, amount);
        vm.prank(account);
        staking.stake(amount);
    }

    // Honest messages

    /// @dev 100 steps in 10 intervals, 11,500 units, at most 2 tokens.
    function plainRequest() internal view returns (Request memory request) {
        request.requester = requester.addr;
        request.nonce = 1;
        request.programRoot = keccak256("program");
        request.dataRoot = keccak256("data");
        request.programCid = keccak256("program cid");
        request.dataCid = keccak256("data cid");
        request.seed = 42;
        request.numerics = 1;
        request.replicas = 1;
        request.steps = 100;
        request.interval = 10;
        request.initUnits = 1_000;
        request.stepUnits = 100;
        request.evalUnits = 500;
        request.runTime = RUN_TIME;
        request.expiry = uint40(block.timestamp + 1 hours);
        request.maximum = uint128(2 * ONE);
        request.maxProtocolFeeBps = 500;
    }

    /// @dev At a price of exactly 1 token, backed by 1 token.
    function plainAcceptance(Request memory request) internal view returns (Acceptance memory acceptance) {
        acceptance.requestDigest = market.requestDigest(request);
        acceptance.provider = provider.addr;
        acceptance.unitPrice = (ONE * 1e18 + UNITS - 1) / UNITS;
        acceptance.collateral = uint128(ONE);
        acceptance.nonce = 1;
        acceptance.expiry = uint40(block.timestamp + 10 minutes);
        acceptance.paramsVersion = 1;
    }

    function sign(Person memory who, bytes32 digest) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(who.key, digest);
        return abi.encodePacked(r, s, v);
    }

    function pairOf(Request memory request, Acceptance memory acceptance) internal view returns (Pair memory pair) {
        pair.request = request;
        pair.requestSignature = sign(requester, market.requestDigest(request));
        pair.acceptance = acceptance;
        pair.acceptanceSignature = sign(provider, market.acceptanceDigest(acceptance));
    }

    function pairOf(Request memory request) internal view returns (Pair memory) {
        return pairOf(request, plainAcceptance(request));
    }

    function submissionOf(Job memory job, uint32 checkpoint) internal pure returns (Submission memory submission) {
        submission.jobId = job.terms.jobId;
        submission.checkpoint = checkpoint;
        submission.prefixRoot = keccak256(abi.encode("prefix", checkpoint));
        submission.stateRoot = keccak256(abi.encode("state", checkpoint));
        submission.modelRoot = keccak256(abi.encode("model", checkpoint));
        if (checkpoint == lastOf(job)) submission.evalRoot = keccak256("eval");
        submission.modelCid = keccak256(abi.encode("cid", checkpoint));
    }

    function lastOf(Job memory job) internal pure returns (uint32) {
        uint256 span = job.terms.steps - job.terms.startStep;
        return uint32((span + job.terms.interval - 1) / job.terms.interval);
    }

    /// @dev As the protocol defines it, in other words than the contract's.
    function traceRootOf(Submission memory s) internal pure returns (bytes32) {
        return sha256(bytes.concat(hex"05", bytes4(s.checkpoint), s.prefixRoot, s.stateRoot, s.modelRoot, s.evalRoot));
    }

    // Transitions, with the record that follows from the events

    function agree(Pair memory pair) internal returns (Job memory job) {
        vm.recordLogs();
        market.agree(pair.request, pair.requestSignature, pair.acceptance, pair.acceptanceSignature);
        return lastJob(job);
    }

    function agreed() internal returns (Job memory) {
        return agree(pairOf(plainRequest()));
    }

    function submitted() internal returns (Job memory job) {
        job = agreed();
        return submit(job, submissionOf(job, 10));
    }

    function submit(Job memory job, Submission memory submission) internal returns (Job memory) {
        vm.recordLogs();
        vm.prank(job.terms.provider);
        market.submit(job, submission);
        return lastJob(job);
    }

    function present(Job memory job, Submission memory receipt) internal returns (Job memory) {
        bytes memory signature = sign(provider, market.submissionDigest(receipt));
        vm.recordLogs();
        market.submitReceipt(job, receipt, signature);
        return lastJob(job);
    }

    function stop(Job memory job) internal returns (Job memory) {
        vm.recordLogs();
        vm.prank(requester.addr);
        market.stop(job);
        return lastJob(job);
    }

    function commit(Job memory job, Submission memory submission, bytes32 salt) internal returns (Job memory) {
        bytes32 commitment = market.commitmentOf(submission, salt);
        vm.recordLogs();
        vm.prank(job.terms.provider);
        market.commit(job, commitment);
        return lastJob(job);
    }

    function reveal(Job memory job, Submission memory submission, bytes32 salt) internal returns (Job memory) {
        vm.recordLogs();
        market.reveal(job, submission, salt);
        return lastJob(job);
    }

    /// @dev The record of `job` after the logs recorded since `vm.recordLogs`, which must be the one stored.
    function lastJob(Job memory job) internal returns (Job memory) {
        Vm.Log[] memory logs = vm.getRecordedLogs();
        for (uint256 i = 0; i < logs.length; ++i) follow(job, logs[i]);
        assertTrue(market.isRecord(job), "the record followed from events is the one stored");
        return job;
    }

    function follow(Job memory job, Vm.Log memory log) internal view {
        if (log.emitter != address(market)) return;
        bytes32 topic = log.topics[0];
        if (topic == IMarketBase.Agreed.selector) {
            (job.terms, , ) = abi.decode(log.data, (Terms, bytes32, bytes32));
            Progress memory none;
            job.progress = none;
        } else if (topic == IMarketBase.Submitted.selector) {
            (job.progress, , ) = abi.decode(log.data, (Progress, bytes32, bytes32));
        } else if (topic == IMarketBase.Stopped.selector) {
            job.progress.stoppedAt = abi.decode(log.data, (uint40));
        } else if (topic == IMarketBase.CommitmentMade.selector) {
            (job.progress.commitment, job.progress.committedAt) = abi.decode(log.data, (bytes32, uint40));
        }
    }

    /// @dev Following events changes a record in its place.
    function copyOf(Job memory job) internal pure returns (Job memory) {
        return abi.decode(abi.encode(job), (Job));
    }

    // Looks

    function assertState(Job memory job, JobState state) internal view {
        assertEq(uint256(market.stateOf(job.terms.jobId)), uint256(state), "state");
    }

    function free(address account) internal view returns (uint256) {
        return ledger.freeBalance(account);
    }

    function locked(address account) internal view returns (uint256 amount) {
        (, amount, , ) = staking.stakeOf(account);
    }

    function staked(address account) internal view returns (uint256 total) {
        (total, , , ) = staking.stakeOf(account);
    }

    function setStatus(Job memory job, uint256 liveGames, bool won, uint40 auditUntil, uint256 auditors) internal {
        game.setStatus(job.terms.jobId, ScriptedGame.Status(liveGames, won, auditUntil, auditors));
    }

    // Deployment by artifact

    function create(string memory name, bytes memory arguments) internal returns (address made) {
        bytes memory code = bytes.concat(vm.getCode(artifactOf(name)), arguments);
        assembly ("memory-safe") {
            made := create(0, add(code, 0x20), mload(code))
        }
        if (made == address(0)) {
            assembly ("memory-safe") {
                returndatacopy(mload(0x40), 0, returndatasize())
                revert(mload(0x40), returndatasize())
            }
        }
    }

    function artifactOf(string memory name) private pure returns (string memory) {
        return string.concat(name, ".sol:", name);
    }

    /// @dev Address of the contract that `creator` makes at `nonce`, for nonces below 2^16.
    function addressAt(address creator, uint256 nonce) internal pure returns (address) {
        bytes memory encoded;
        if (nonce < 0x80) encoded = abi.encodePacked(hex"d694", creator, uint8(nonce));
        else if (nonce < 0x100) encoded = abi.encodePacked(hex"d794", creator, hex"81", uint8(nonce));
        else encoded = abi.encodePacked(hex"d894", creator, hex"82", uint16(nonce));
        return address(uint160(uint256(keccak256(encoded))));
    }
}
