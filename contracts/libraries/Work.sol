// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Request} from "../types/Request.sol";
import {Terms} from "../types/Job.sol";

/// @title Work: checkpoints, units and pay
/// @notice The same arithmetic as `services/protocol/domain/money.ts`. Everything rounds down, towards the requester.
/// Unchecked, as the widths of the fields leave no overflow: units have at most 97 bits, amounts 128; an agreed job has steps
/// to do and an interval.
library Work {
    uint256 internal constant PRICE_ONE = 1e18;
    uint256 internal constant BPS = 10_000;

    /// @dev Units of a whole run.
    function units(Request calldata request) internal pure returns (uint256) {
        unchecked {
            uint256 span = uint256(request.steps) - request.startStep;
            return request.initUnits + request.stepUnits * span + request.evalUnits;
        }
    }

    /// @dev `⌈(steps − startStep) / interval⌉`.
    function checkpoints(Terms calldata terms) internal pure returns (uint256) {
        unchecked {
            uint256 interval = terms.interval;
            return (uint256(terms.steps) - terms.startStep + interval - 1) / interval;
        }
    }

    /// @dev Step at which checkpoint `k` is due.
    function stepAt(Terms calldata terms, uint256 k) internal pure returns (uint256) {
        unchecked {
            uint256 step = terms.startStep + k * terms.interval;
            uint256 steps = terms.steps;
            return step < steps ? step : steps;
        }
    }

    /// @dev Units up to checkpoint `k`, and of the whole run; evaluation counts with the last checkpoint only.
    function unitsUpTo(Terms calldata terms, uint256 k) internal pure returns (uint256 done, uint256 all) {
        unchecked {
            uint256 init = terms.initUnits;
            uint256 perStep = terms.stepUnits;
            uint256 start = terms.startStep;
            uint256 step = stepAt(terms, k);
            all = init + perStep * (terms.steps - start) + terms.evalUnits;
            done = step == terms.steps ? all : init + perStep * (step - start);
        }
    }

    /// @dev A share in basis points.
    function share(uint256 amount, uint256 bps) internal pure returns (uint256) {
        return (amount * bps) / BPS;
    }

    /// @dev What the job locks in all.
    function escrow(Terms calldata terms) internal pure returns (uint256) {
        return uint256(terms.price) + terms.protocolFee + terms.matcherFee + terms.auditLine;
    }
}
