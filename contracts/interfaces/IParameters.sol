// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Params} from "../types/Params.sol";

/// @title Parameters: append-only versions of the governed numbers
/// @notice The governor adds versions within bounds that are fixed at deployment; nobody can change or remove one.
/// A job keeps the version it was agreed under. The guardian can pause new agreements, nothing else, for a bounded time.
///
/// Warning: `disputes` and `treasury` have no bounds: whoever is the governor chooses the game that judges jobs agreed
/// from then on, and providers name the version they have read in each acceptance.
interface IParameters {
    event ParamsAdded(uint32 indexed version, Params params);
    event Paused(uint40 until);
    event Unpaused();
    event GuardianSet(address indexed guardian);

    error ParametersOutOfBounds(bytes32 name, uint256 value, uint256 min, uint256 max);
    error ParametersUnknownVersion(uint32 version);
    error ParametersNotGovernor(address caller);
    error ParametersNotGuardian(address caller);
    /// A pause must end within `MAX_PAUSE`, and the next one must wait for `PAUSE_REST` after the end of the last.
    error ParametersPauseTooLong(uint256 until, uint256 latest);
    error ParametersPauseTooSoon(uint256 nowAt, uint256 allowedAt);

    /// @notice Adds a version, valid for agreements from now on. Governor only.
    function add(Params calldata params) external returns (uint32 version);
    /// @notice Pauses new agreements. Guardian only.
    function pause(uint40 until) external;
    /// @notice Ends a pause. Governor or guardian.
    function unpause() external;
    /// @notice Names another guardian; zero for none. Governor only.
    function setGuardian(address guardian_) external;

    /// @notice The newest version and its number; numbers start at 1.
    function current() external view returns (uint32 version, Params memory params);
    /// @notice As `current`, and until when new agreements are paused: all that an agreement asks, in one call.
    function forAgreement() external view returns (uint32 version, uint40 pausedUntil, Params memory params);
    function paramsAt(uint32 version) external view returns (Params memory params);
    /// @notice Least and greatest value of every number; the addresses in them mean nothing.
    function bounds() external view returns (Params memory min, Params memory max);
    /// @notice Until when new agreements are paused by the guardian; zero or past if not.
    function pausedUntil() external view returns (uint40);
    function governor() external view returns (address);
    function guardian() external view returns (address);
}
