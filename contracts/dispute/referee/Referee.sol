// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Access, Position, Reading, Route} from "./Access.sol";
import {Encoding, Op, Operand} from "./Encoding.sol";
import {Fault} from "./Fault.sol";
import {DeclaredTensor, Header, ProgramHeader} from "./Header.sol";
import {IReferee, Outline, Summary} from "./IReferee.sol";
import {OpCheck, TensorType} from "./OpCheck.sol";
import {Primitives} from "./Primitives.sol";

/// @title Referee
/// @dev Documented in {IReferee}.
contract Referee is IReferee {
    using Access for Op;
    using Encoding for Op;

    /// In `outline`: there is no such source.
    uint64 public constant ABSENT_SOURCE = type(uint64).max;

    /// @inheritdoc IReferee
    function judge(
        bytes calldata op,
        Position calldata place,
        uint32 accumulator,
        uint32[3] calldata values,
        uint32[3] calldata rows,
        uint64 seed
    ) external pure returns (uint32 bits) {
        (Op memory decoded, uint256 point) = _place(op, place);
        uint256[3] memory x;
        for (uint256 k = 0; k < decoded.operands; ++k) {
            Reading memory reading = decoded.read(decoded.operand(k), point, place.step, rows[k]);
            x[k] = reading.route == Route.Element ? values[k] : reading.bits;
        }
        uint256 acc = place.term == 0 ? decoded.initial : accumulator;
        return uint32(Primitives.evaluate(decoded.opcode, decoded.dtype, acc, x[0], x[1], x[2], seed));
    }

    /// @inheritdoc IReferee
    function locate(
        bytes calldata op,
        Position calldata place,
        uint256 operand,
        uint32 row
    ) external pure returns (Reading memory reading) {
        (Op memory decoded, uint256 point) = _place(op, place);
        if (operand >= decoded.operands) revert RefereeOutside(operand, decoded.operands);
        return decoded.read(decoded.operand(operand), point, place.step, row);
    }

    /// @inheritdoc IReferee
    function outline(bytes calldata op) external pure returns (Outline memory o) {
        Op memory decoded = _decode(op);
        o.fold = decoded.fold;
        o.opcode = uint8(decoded.opcode);
        o.dtype = uint8(decoded.dtype);
        o.rank = uint8(decoded.outRank);
        o.dims = decoded.dims();
        o.elements = decoded.elements;
        o.terms = decoded.terms;
        o.operands = uint8(decoded.operands);
        for (uint256 k = 0; k < 3; ++k) {
            o.sources[2 * k] = ABSENT_SOURCE;
            o.sources[2 * k + 1] = ABSENT_SOURCE;
            if (k >= decoded.operands) continue;
            Operand memory x = decoded.operand(k);
            o.sources[2 * k] = uint64((x.kind << 32) | x.word);
            if (x.indirect) o.sources[2 * k + 1] = uint64((x.tableKind << 32) | x.tableIndex);
        }
    }

    /// @inheritdoc IReferee
    function faultOf(bytes calldata op, TensorType[6] calldata types) external pure returns (Fault) {
        return OpCheck.faultOf(op, types);
    }

    /// @inheritdoc IReferee
    function summary(bytes calldata header) external pure returns (Summary memory s) {
        ProgramHeader memory h;
        (s.fault, h) = Header.decode(header);
        if (s.fault != Fault.None) return s;
        s.initOps = uint16(h.initOps);
        s.stepOps = uint16(h.stepOps);
        s.evalOps = uint16(h.evalOps);
        s.stateTensors = uint16(h.stateTensors);
        s.dataTensors = uint16(h.dataTensors);
        s.parentTensors = uint16(h.parentTensors);
        s.outputs = uint16(h.outputs);
        s.parameters = uint16(Header.parameters(h));
    }

    /// @inheritdoc IReferee
    function feedsOf(bytes calldata header, uint32 index) external pure returns (uint16 initOp, uint16 stepOp) {
        (, ProgramHeader memory h) = Header.decode(header);
        if (index >= h.stateTensors) revert RefereeOutside(index, h.stateTensors);
        DeclaredTensor memory tensor = Header.tensor(h, Encoding.STATE, index);
        return (tensor.initOp, tensor.stepOp);
    }

    /// @inheritdoc IReferee
    function outputOp(bytes calldata header, uint32 index) external pure returns (uint16) {
        (, ProgramHeader memory h) = Header.decode(header);
        if (index >= h.outputs) revert RefereeOutside(index, h.outputs);
        return uint16(Header.outputOp(h, index));
    }

    /// @inheritdoc IReferee
    function parameterAt(bytes calldata header, uint32 nth) external pure returns (uint32) {
        (, ProgramHeader memory h) = Header.decode(header);
        uint256 parameters = Header.parameters(h);
        if (nth >= parameters) revert RefereeOutside(nth, parameters);
        return uint32(Header.parameterAt(h, nth));
    }

    /// @inheritdoc IReferee
    function declaredType(bytes calldata header, uint8 kind, uint32 index) external pure returns (TensorType) {
        (, ProgramHeader memory h) = Header.decode(header);
        return Header.typeOf(h, kind, index);
    }

    /// @inheritdoc IReferee
    function givesState(bytes calldata header, uint32 index, bytes calldata op) external pure returns (bool) {
        (, ProgramHeader memory h) = Header.decode(header);
        if (index >= h.stateTensors) revert RefereeOutside(index, h.stateTensors);
        return Header.gives(_decode(op), Header.tensor(h, Encoding.STATE, index));
    }

    function _decode(bytes calldata op) private pure returns (Op memory decoded) {
        bool ok;
        (ok, decoded) = Encoding.decode(op);
        if (!ok) revert RefereeBadEncoding();
    }

    function _place(
        bytes calldata op,
        Position calldata place
    ) private pure returns (Op memory decoded, uint256 point) {
        decoded = _decode(op);
        if (place.element >= decoded.elements) revert RefereeOutside(place.element, decoded.elements);
        if (place.term >= decoded.terms) revert RefereeOutside(place.term, decoded.terms);
        point = decoded.coordinates(place.element, place.term);
    }
}
