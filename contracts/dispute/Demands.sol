// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Merkle16} from "../libraries/Merkle16.sol";
import {Job} from "../types/Job.sol";
import {JobState} from "../types/JobState.sol";
import {Audits} from "./Audits.sol";
import {IClerk} from "./IClerk.sol";
import {ListRoots, TensorProof} from "./Position.sol";
import {Encoding} from "./referee/Encoding.sol";
import {TensorType} from "./referee/OpCheck.sol";

/// @title Demands: a chunk of a withheld model, shown for a fee
abstract contract Demands is Audits {
    struct Demand {
        bytes32 jobId;
        bytes32 modelRoot;
        address provider;
        uint40 until;
        uint32 tensor;
        address asker;
        uint32 chunk;
        uint16 parameters;
        uint256 fee;
    }

    /// Of an answer: one proof of a chunk.
    uint256 private constant ANSWER_GAS = 400_000;
    /// The fee's share of the bond for the provider's time.
    uint256 private constant TIME_SHARE = 50;

    uint256 private _demands;
    mapping(uint256 demandId => Demand) private _demand;

    /// @inheritdoc IClerk
    function demandChunk(
        Job calldata job,
        bytes calldata header,
        ListRoots calldata lists,
        uint32 tensor,
        uint32 chunk
    ) external returns (uint256 demandId) {
        _requireChallengeable(job);
        uint16 parameters = _programOf(job, header, lists).parameters;
        if (tensor >= parameters) revert DisputeNoSuchPlace(tensor, parameters);
        uint8 kind = uint8(Encoding.STATE);
        TensorType declared = _referee.declaredType(header, kind, _referee.parameterAt(header, tensor));
        uint256 chunks = Merkle16.chunkCount(uint32(TensorType.unwrap(declared)));
        if (chunk >= chunks) revert DisputeNoSuchPlace(chunk, chunks);

        demandId = ++_demands;
        bytes32 jobId = job.terms.jobId;
        uint256 fee = demandFeeOf(job);
        Demand storage d = _demand[demandId];
        d.jobId = jobId;
        d.modelRoot = job.progress.modelRoot;
        d.provider = job.terms.provider;
        d.until = uint40(block.timestamp + _paramsOf(job).disputeClock);
        d.tensor = tensor;
        d.asker = msg.sender;
        d.chunk = chunk;
        d.parameters = parameters;
        d.fee = fee;
        ++_standing[jobId].live;
        emit ChunkDemanded(demandId, jobId, msg.sender, tensor, chunk, d.until, fee);
        if (fee != 0) _ledger.moveIn(msg.sender, fee);
    }

    /// @inheritdoc IClerk
    function showChunk(uint256 demandId, TensorProof calldata proof) external {
        Demand memory d = _demand[demandId];
        if (d.asker == address(0)) revert DisputeDone();
        if (block.timestamp > d.until) revert DisputeTooLate(block.timestamp, d.until);
        if (!_proofs.holdsChunk(d.modelRoot, d.parameters, d.tensor, d.chunk, proof)) revert DisputeNotProven();
        _closeDemand(demandId, d.jobId);
        emit ChunkShown(demandId, proof.chunk);
        if (d.fee != 0) _ledger.moveOut(d.provider, d.fee);
    }

    /// @inheritdoc IClerk
    function timeoutDemand(uint256 demandId, Job calldata job) external {
        Demand memory d = _demand[demandId];
        if (d.asker == address(0)) revert DisputeDone();
        if (block.timestamp <= d.until) revert DisputeTooEarly(block.timestamp, uint256(d.until) + 1);
        if (job.terms.jobId != d.jobId) revert DisputeWrongJob(d.jobId);
        _closeDemand(demandId, d.jobId);
        if (d.fee != 0) _ledger.moveOut(d.asker, d.fee);
        Standing memory standing = _standing[d.jobId];
        // A demand is cheap and soon over: where a challenger has a game, and no auditor committed, nobody is rewarded for it.
        bool contested = standing.games != 0 && standing.commitments == standing.auditors;
        _slash(job, contested ? address(0) : d.asker, 0);
    }

    /// @inheritdoc IClerk
    function closeDemand(uint256 demandId) external {
        Demand memory d = _demand[demandId];
        if (d.asker == address(0)) revert DisputeDone();
        if (_market.stateOf(d.jobId) == JobState.Submitted) revert DisputeJobNotOver(d.jobId);
        _closeDemand(demandId, d.jobId);
        emit DemandClosed(demandId, d.jobId);
        if (d.fee != 0) _ledger.moveOut(d.asker, d.fee);
    }

    /// @inheritdoc IClerk
    function demandFeeOf(Job calldata job) public view returns (uint256) {
        uint256 one = _paramsOf(job).challengeBond / TIME_SHARE + _priceOf(ANSWER_GAS);
        Standing memory standing = _standing[job.terms.jobId];
        return one * (uint256(standing.live) - standing.games + 1);
    }

    function _closeDemand(uint256 demandId, bytes32 jobId) private {
        delete _demand[demandId];
        --_standing[jobId].live;
    }
}
