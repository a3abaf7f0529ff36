// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @dev Numbers of the op lists, as their leaves have them.
uint8 constant INIT = 0;
uint8 constant STEP = 1;
uint8 constant EVAL = 2;

/// @dev In the header: steps leave the tensor alone.
uint16 constant UNCHANGED = 0xffff;

/// @dev Which tree a game is in. `README.md` says what each leads to.
enum Level {
    Checkpoint,
    Step,
    State,
    Output,
    Model,
    Op,
    Chunk,
    Term
}

/// @dev What must be done next, and by whom.
enum Phase {
    /// Over, or never begun.
    None,
    /// Provider: show the children of the disputed node.
    Open,
    /// Challenger: name the wrong child.
    Point,
    /// Provider: show the next finer level.
    Cross,
    /// Provider: show the bytes of a chunk.
    Reveal,
    /// Challenger: name the first wrong element.
    Element,
    /// Provider: claim what the scalar operation reads.
    Judge,
    /// Challenger: name the wrong claim.
    Claim,
    /// Provider: prove it.
    Prove,
    /// Anybody: compare a root with what the job's record says it is.
    Compare
}

/// @dev What of a submission a challenger says is wrong.
enum Target {
    /// One of `C_0 … C_{n−1}`.
    Checkpoint,
    /// `C_n`.
    LastState,
    Model,
    Evaluation
}

/// @dev Roots of the three op lists.
struct ListRoots {
    bytes32 init;
    bytes32 step;
    bytes32 eval;
}

/// @dev What a game is about: never changes in it, and is shown where a move needs it.
struct Bindings {
    /// Roots and lengths of the op lists.
    bytes32 initRoot;
    bytes32 stepRoot;
    bytes32 evalRoot;
    uint16 initOps;
    uint16 stepOps;
    uint16 evalOps;
    uint16 stateTensors;
    uint16 dataTensors;
    uint16 parentTensors;
    /// `keccak256` of the program's header.
    bytes32 header;
    /// Of the submission: `treeRoot(C_0 … C_{n−1})`, `C_n` and n.
    bytes32 prefixRoot;
    bytes32 stateRoot;
    uint32 checkpoints;
    /// Of the job.
    bytes32 dataRoot;
    bytes32 parentRoot;
    bytes32 startRoot;
    uint64 seed;
    uint32 startStep;
    uint32 steps;
    uint32 interval;
}

/// @dev Where a game stands. Fields of levels that were not reached are zero.
struct Position {
    bytes32 jobId;
    address provider;
    /// `keccak256` of the {Bindings}.
    bytes32 bindings;
    Phase phase;
    Level level;
    /// The disputed node, of a tree over `count` leaves: the `index`-th at `height` levels above the leaves.
    bytes32 node;
    uint32 count;
    uint32 index;
    uint8 height;
    /// The entry that ends the list after the tree; zero where there is none or it was passed by.
    bytes32 last;
    /// `keccak256` of what was shown last and must be shown again: children, a chunk, {Claims}.
    bytes32 shown;
    /// The state in dispute is that after step `step` (0: the initial one), inside the interval that ends in `checkpoint`, whose
    /// other states are under `stepsRest`.
    uint32 checkpoint;
    uint32 step;
    bytes32 stepsRest;
    /// The list of ops, the op that feeds the disputed tensor, and the root over the outputs before it.
    uint8 list;
    uint16 lastOp;
    bytes32 opsRest;
    /// The disputed op, and `keccak256` of its encoding.
    uint16 op;
    bytes32 opHash;
    uint8 dtype;
    uint8 operands;
    /// Terms of its fold, 1 for a map.
    uint32 terms;
    /// Elements of what is committed in chunks at this level.
    uint32 size;
    /// The scalar: output element, term, bits, and the accumulator before where it is known.
    uint32 element;
    uint32 term;
    uint32 bits;
    bool accumulatorKnown;
    uint32 accumulator;
    /// Root over all accumulators of the element.
    bytes32 termsRoot;
    /// The claim that was pointed at: 0–2 a value, 3–5 a row, 6 the accumulator.
    uint8 claim;
}

/// @dev What the provider says the scalar operation reads.
struct Claims {
    uint32[3] values;
    uint32[3] rows;
    /// Ignored where it is known.
    uint32 accumulator;
}

/// @dev One element, or a tensor's size, under a root that the game knows.
struct TensorProof {
    /// The state before, with its place among the states; for a tensor of the state only.
    bytes32 state;
    bytes32[15][] stateProof;
    /// The tensor's root and its place.
    bytes32 root;
    bytes32[15][] rootProof;
    /// What the root is the hash of.
    uint8 dtype;
    uint8 rank;
    uint128 dims;
    bytes32 chunks;
    /// The chunk that holds the element; empty where the element is outside the tensor.
    bytes32[15][] chunkProof;
    bytes chunk;
    /// The tensor is the table of rows and not the operand's own.
    bool table;
}
