// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IParameters} from "../interfaces/IParameters.sol";
import {StoredCode} from "../libraries/StoredCode.sol";
import {Params} from "../types/Params.sol";

/// @title Parameters: append-only versions of the governed numbers
/// @dev Documented in {IParameters}.
contract Parameters is IParameters {
    uint256 public constant MAX_PAUSE = 7 days;
    /// @dev Between two pauses, so that a guardian cannot string them together.
    uint256 public constant PAUSE_REST = 7 days;

    /// @inheritdoc IParameters
    address public immutable governor;
    address private immutable _min;
    address private immutable _max;

    /// @dev One slot, so that an agreement reads all it needs with it: the newest version, where it lies, and the pause.
    address private _newest;
    uint32 private _version;
    /// @inheritdoc IParameters
    uint40 public pausedUntil;
    /// @inheritdoc IParameters
    address public guardian;
    mapping(uint32 version => address pointer) private _versions;

    constructor(address governor_, address guardian_, Params memory min, Params memory max, Params memory first) {
        governor = governor_;
        guardian = guardian_;
        _min = StoredCode.write(abi.encode(min));
        _max = StoredCode.write(abi.encode(max));
        emit GuardianSet(guardian_);
        _add(first, min, max);
    }

    modifier onlyGovernor() {
        if (msg.sender != governor) revert ParametersNotGovernor(msg.sender);
        _;
    }

    /// @inheritdoc IParameters
    function add(Params calldata params) external onlyGovernor returns (uint32) {
        (Params memory min, Params memory max) = bounds();
        return _add(params, min, max);
    }

    /// @inheritdoc IParameters
    function pause(uint40 until) external {
        if (msg.sender != guardian) revert ParametersNotGuardian(msg.sender);
        uint256 latest = block.timestamp + MAX_PAUSE;
        if (until > latest) revert ParametersPauseTooLong(until, latest);
        uint256 allowedAt = pausedUntil == 0 ? 0 : pausedUntil + PAUSE_REST;
        if (block.timestamp < allowedAt) revert ParametersPauseTooSoon(block.timestamp, allowedAt);
        pausedUntil = until;
        emit Paused(until);
    }

    /// @inheritdoc IParameters
    function unpause() external {
        if (msg.sender != guardian && msg.sender != governor) revert ParametersNotGuardian(msg.sender);
        // Keeps the rest before the next pause, counted from now.
        if (pausedUntil > block.timestamp) pausedUntil = uint40(block.timestamp);
        emit Unpaused();
    }

    /// @inheritdoc IParameters
    function setGuardian(address guardian_) external onlyGovernor {
        guardian = guardian_;
        emit GuardianSet(guardian_);
    }

    /// @inheritdoc IParameters
    function current() external view returns (uint32, Params memory) {
        return (_version, _read(_newest));
    }

    /// @inheritdoc IParameters
    function forAgreement() external view returns (uint32, uint40, Params memory) {
        return (_version, pausedUntil, _read(_newest));
    }

    /// @inheritdoc IParameters
    function paramsAt(uint32 version) public view returns (Params memory) {
        address pointer = _versions[version];
        if (pointer == address(0)) revert ParametersUnknownVersion(version);
        return _read(pointer);
    }

    /// @inheritdoc IParameters
    function bounds() public view returns (Params memory min, Params memory max) {
        return (_read(_min), _read(_max));
    }

    function _add(Params memory params, Params memory min, Params memory max) private returns (uint32 version) {
        _check("challengeWindow", params.challengeWindow, min.challengeWindow, max.challengeWindow);
        _check("kappaBps", params.kappaBps, min.kappaBps, max.kappaBps);
        _check("receiptGrace", params.receiptGrace, min.receiptGrace, max.receiptGrace);
        _check("revealTime", params.revealTime, min.revealTime, max.revealTime);
        _check("unbonding", params.unbonding, min.unbonding, max.unbonding);
        _check("disputeClock", params.disputeClock, min.disputeClock, max.disputeClock);
        _check("protocolFeeBps", params.protocolFeeBps, min.protocolFeeBps, max.protocolFeeBps);
        _check("matcherFeeCapBps", params.matcherFeeCapBps, min.matcherFeeCapBps, max.matcherFeeCapBps);
        _check("collateralBps", params.collateralBps, min.collateralBps, max.collateralBps);
        _check("latenessBps", params.latenessBps, min.latenessBps, max.latenessBps);
        _check("expiryPenaltyBps", params.expiryPenaltyBps, min.expiryPenaltyBps, max.expiryPenaltyBps);
        _check("rewardBps", params.rewardBps, min.rewardBps, max.rewardBps);
        _check("burnBps", params.burnBps, min.burnBps, max.burnBps);
        _check("auditRateBps", params.auditRateBps, min.auditRateBps, max.auditRateBps);
        _check("auditFloorBps", params.auditFloorBps, min.auditFloorBps, max.auditFloorBps);
        _check("challengeBond", params.challengeBond, min.challengeBond, max.challengeBond);
        // What must hold between them, whatever the bounds: shares of one whole, and stake that stays for every window.
        _check("latenessBps", params.latenessBps, 0, 10_000);
        _check("rewardBps + burnBps", uint256(params.rewardBps) + params.burnBps, 0, 10_000);
        _check("unbonding", params.unbonding, uint256(params.challengeWindow) + 1, type(uint32).max);

        version = _version + 1;
        _version = version;
        _newest = StoredCode.write(abi.encode(params));
        _versions[version] = _newest;
        emit ParamsAdded(version, params);
    }

    /// @dev The code holds the struct as memory does, word for word.
    function _read(address pointer) private view returns (Params memory params) {
        bytes memory data = StoredCode.read(pointer);
        assembly ("memory-safe") {
            params := add(data, 0x20)
        }
    }

    function _check(bytes32 name, uint256 value, uint256 min, uint256 max) private pure {
        if (value < min || value > max) revert ParametersOutOfBounds(name, value, min, max);
    }
}
