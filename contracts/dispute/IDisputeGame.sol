// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IDisputes} from "../interfaces/IDisputes.sol";
import {Job} from "../types/Job.sol";
import {Bindings, Claims, ListRoots, Phase, Position, Target, TensorProof} from "./Position.sol";

/// @title The dispute game: open and point
/// @notice Levels, moves and why the right side wins: `README.md` beside this file. Every move shows the position that the last
/// event told; a move out of turn, after the flag, or whose hashes do not fit reverts and changes nothing.
/// @dev A provider's moves may come from its operators.
interface IDisputeGame is IDisputes {
    /// A game began. `bond` is out of the challenger's free balance.
    event Challenged(
        uint256 indexed gameId,
        bytes32 indexed jobId,
        address indexed challenger,
        uint256 bond,
        Bindings bindings
    );
    /// A move was made; `position` is what the next one must show.
    event Moved(uint256 indexed gameId, Position position);
    event Opened(uint256 indexed gameId, bytes32[16] children);
    event Revealed(uint256 indexed gameId, bytes chunk);
    event Claimed(uint256 indexed gameId, Claims claims);
    /// The provider lost its job, the challenger has its bond back.
    event ProviderLost(uint256 indexed gameId, bytes32 indexed jobId, address indexed challenger);
    /// The bond went to the provider.
    event ChallengerLost(uint256 indexed gameId, bytes32 indexed jobId, address indexed challenger);
    /// The job came to another end while the game was live.
    event BondReturned(uint256 indexed gameId, bytes32 indexed jobId, address indexed challenger);

    /// The position shown is not the game's.
    error DisputeWrongPosition(uint256 gameId);
    error DisputeWrongPhase(uint256 gameId, Phase actual);
    error DisputeNotYourTurn(address caller);
    error DisputeClockOver(uint256 gameId);
    error DisputeClockRunning(uint256 gameId, uint256 until);
    /// The record, the trace, the program or the bindings shown are not the job's or the game's.
    error DisputeWrongJob(bytes32 jobId);
    error DisputeOutsideWindow(uint256 nowAt, uint256 from, uint256 until);
    /// The program's header is at fault, or there is nothing in the submission that this target names.
    error DisputeNothingToDispute();
    /// What is shown does not hash to what is disputed, or is not canonical.
    error DisputeMismatch(bytes32 expected, bytes32 actual);
    /// There is no such child, element or claim.
    error DisputeNoSuchPlace(uint256 given, uint256 limit);
    /// This leaf leads elsewhere.
    error DisputeWrongCrossing();
    /// The claims give another scalar than the disputed one.
    error DisputeWrongScalar(uint32 disputed, uint32 computed);
    error DisputeNotProven();
    error DisputeNoFault();
    error DisputeJobNotOver(bytes32 jobId);

    /// @notice Opens a game about the standing submission of a job, from `submittedAt` to `windowEnd`, with a bond that grows with the
    /// live games about it and comes out of what the caller allowed this contract in the ledger.
    /// @param header The program's header, and `lists` the roots of its op lists.
    function challenge(
        Job calldata job,
        bytes32 prefixRoot,
        bytes calldata header,
        ListRoots calldata lists,
        Target target
    ) external returns (uint256 gameId);

    /// @notice Shows the 16 children of the disputed node.
    function open(uint256 gameId, Position calldata p, bytes32[16] calldata children) external;
    /// @notice Names the wrong child, with the children as they were opened (all zero where the tree is one leaf), or with 16 the
    /// list's last entry.
    function point(uint256 gameId, Position calldata p, bytes32[16] calldata children, uint256 pick) external;
    /// @notice From a checkpoint to the states of the steps before it inside the interval: `rest` is the tree over all but the last.
    function crossSteps(
        uint256 gameId,
        Position calldata p,
        Bindings calldata b,
        bytes32 rest,
        bytes32[16] calldata children
    ) external;
    /// @notice From the state after one step, or the initial one, to its tensors.
    function crossState(
        uint256 gameId,
        Position calldata p,
        Bindings calldata b,
        bytes32[16] calldata children
    ) external;
    /// @notice From a state tensor or an evaluation output to the outputs of the ops before the one that feeds it.
    function crossTensor(
        uint256 gameId,
        Position calldata p,
        Bindings calldata b,
        bytes calldata header,
        bytes32 rest,
        bytes32[16] calldata children
    ) external;
    /// @notice From an op's output to its chunks; the op is proven under its list's root.
    function crossOp(
        uint256 gameId,
        Position calldata p,
        Bindings calldata b,
        bytes calldata op,
        bytes32[15][] calldata proof,
        bytes32 chunks,
        bytes32[16] calldata children
    ) external;
    /// @notice From an element of a fold of several terms to its accumulators, committed as a tensor is.
    function crossTerms(uint256 gameId, Position calldata p, bytes32 root, bytes32[16] calldata children) external;
    /// @notice Shows the bytes of the disputed chunk.
    function reveal(uint256 gameId, Position calldata p, bytes calldata chunk) external;
    /// @notice Names the first wrong element of the chunk shown.
    function pointElement(uint256 gameId, Position calldata p, bytes calldata chunk, uint256 place) external;
    /// @notice Claims what the scalar operation reads: the contract computes it and it must give the disputed bits.
    function judge(
        uint256 gameId,
        Position calldata p,
        Bindings calldata b,
        bytes calldata op,
        Claims calldata claims
    ) external;
    /// @notice Names the wrong claim: 0–2 an operand's value, 3–5 its row, 6 the accumulator. Where the row is wrong, that one first.
    function pointClaim(uint256 gameId, Position calldata p, uint8 claim) external;

    /// @notice Proves the claim pointed at: the challenger has lost. A claim that the op itself fixes needs no proof.
    function prove(
        uint256 gameId,
        Position calldata p,
        Bindings calldata b,
        bytes calldata op,
        Claims calldata claims,
        TensorProof calldata proof
    ) external;
    /// @notice Proves that a tensor which steps leave alone is that of the state before: the challenger has lost.
    function proveUnchanged(
        uint256 gameId,
        Position calldata p,
        Bindings calldata b,
        bytes calldata header,
        bytes32 state,
        bytes32[15][] calldata stateProof,
        bytes32[15][] calldata proof
    ) external;
    /// @notice Proves that a tensor of the model is that of the last state: the challenger has lost.
    function proveParameter(
        uint256 gameId,
        Position calldata p,
        Bindings calldata b,
        bytes calldata header,
        bytes32[15][] calldata proof
    ) external;
    /// @notice Ends a game about a root that the record fixes: `C_0` where the request names `startRoot`, and the root over nothing.
    function compare(uint256 gameId, Position calldata p, Bindings calldata b, Job calldata job) external;
    /// @notice Ends a game whose provider let its clock run out.
    function timeoutProvider(uint256 gameId, Position calldata p, Job calldata job) external;
    /// @notice Ends a game whose challenger let its clock run out.
    function timeoutChallenger(uint256 gameId, Position calldata p) external;
    /// @notice Returns the bond of a game whose job was slashed or voided otherwise.
    function withdrawBond(uint256 gameId, Position calldata p) external;
    /// @notice Ends a job whose program or data set is at fault: all money goes back and nobody is slashed. Anyone may show it, game or
    /// no game; bonds of live games are withdrawn.
    /// @param evidence Arguments of `IProgramFaults.isAtFault`, ABI-encoded, with the job's own roots.
    function voidFaulty(Job calldata job, bytes calldata evidence) external;
    /// @notice Puts a challenge that the job's own requester lost on its record.
    function noteLostChallenge(Job calldata job) external;

    /// @notice A game: the hash of its position, zero when it is over, and the seconds each side had left at `movedAt`.
    function gameOf(
        uint256 gameId
    )
        external
        view
        returns (
            bytes32 position,
            address challenger,
            uint256 bond,
            uint256 movedAt,
            uint256 providerLeft,
            uint256 challengerLeft
        );
    /// @notice Bond of the next challenge of this job.
    function bondOf(Job calldata job) external view returns (uint256);
}
