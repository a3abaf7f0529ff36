// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Limits} from "../dispute/referee/Limits.sol";
import {Primitives} from "../dispute/referee/Primitives.sol";
import {Float32} from "../libraries/Float32.sol";
import {Permutation} from "../libraries/Permutation.sol";
import {Philox} from "../libraries/Philox.sol";

/// @title The referee's arithmetic, open to tests: many cases in one call, and what one costs
contract ArithmeticProbe {
    struct Limit {
        string name;
        uint256 value;
    }

    /// @param cases 16 bytes each: accumulator and three operands, 4 bytes each, big-endian.
    /// @return results 4 bytes each.
    function evaluateAll(
        uint256 opcode,
        uint256 dtype,
        bytes calldata cases,
        uint64 seed
    ) external pure returns (bytes memory results) {
        uint256 count = cases.length / 16;
        results = new bytes(count * 4);
        for (uint256 i = 0; i < count; ++i) {
            bytes16 packed = bytes16(cases[16 * i:]);
            uint256 bits = _evaluate(opcode, dtype, uint128(packed), seed);
            assembly ("memory-safe") {
                let to := add(add(results, 4), mul(4, i))
                mstore(to, or(shl(32, shr(32, mload(to))), bits))
            }
        }
    }

    function signatureOf(uint256 opcode) external pure returns (uint256) {
        return Primitives.signatureOf(opcode);
    }

    /// @notice The hard limits by name.
    function limits() external pure returns (Limit[] memory all) {
        all = new Limit[](14);
        all[0] = Limit("RANK", Limits.RANK);
        all[1] = Limit("OPERANDS", Limits.OPERANDS);
        all[2] = Limit("GUARDS", Limits.GUARDS);
        all[3] = Limit("OPS", Limits.OPS);
        all[4] = Limit("STATE_TENSORS", Limits.STATE_TENSORS);
        all[5] = Limit("DATA_TENSORS", Limits.DATA_TENSORS);
        all[6] = Limit("OUTPUTS", Limits.OUTPUTS);
        all[7] = Limit("OP_BYTES", Limits.OP_BYTES);
        all[8] = Limit("ELEMENTS", Limits.ELEMENTS);
        all[9] = Limit("FOLD_TERMS", Limits.FOLD_TERMS);
        all[10] = Limit("STEPS", Limits.STEPS);
        all[11] = Limit("CHECKPOINTS", Limits.CHECKPOINTS);
        all[12] = Limit("STATE_BYTES", Limits.STATE_BYTES);
        all[13] = Limit("DATA_ELEMENTS", Limits.DATA_ELEMENTS);
    }

    /// @return gas_ Of the library's function alone, without finding it by its opcode.
    function gasOfFloat(uint256 opcode, uint256 x, uint256 y) external view returns (uint256 gas_, uint256 bits) {
        uint256 before = gasleft();
        uint256 empty = before - gasleft();
        before = gasleft();
        if (opcode == 0x02) {
            before = gasleft();
            bits = Float32.add(x, y);
        } else if (opcode == 0x04) {
            before = gasleft();
            bits = Float32.mul(x, y);
        } else if (opcode == 0x05) {
            before = gasleft();
            bits = Float32.div(x, y);
        } else if (opcode == 0x06) {
            before = gasleft();
            bits = Float32.sqrt(x);
        }
        gas_ = before - gasleft() - empty;
    }

    function gasOfRandom(
        uint256 opcode,
        uint256 x,
        uint256 y,
        uint256 z,
        uint64 seed
    ) external view returns (uint256 gas_, uint256 bits) {
        uint256 before = gasleft();
        uint256 empty = before - gasleft();
        before = gasleft();
        if (opcode == 0x20) {
            before = gasleft();
            bits = Philox.word(x, y, z, seed);
        } else {
            before = gasleft();
            bits = Permutation.position(x, y, z, seed);
        }
        gas_ = before - gasleft() - empty;
    }

    function _evaluate(uint256 opcode, uint256 dtype, uint128 packed, uint64 seed) private pure returns (uint256) {
        return
            Primitives.evaluate(
                opcode,
                dtype,
                uint32(packed >> 96),
                uint32(packed >> 64),
                uint32(packed >> 32),
                uint32(packed),
                seed
            );
    }
}
