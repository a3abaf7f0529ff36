// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";

/// @title Contract accounts that do whoever asks them harm
contract HostileWallet is IERC1271 {
    enum Mood {
        BurnGas,
        ReturnBomb,
        RevertBomb,
        ShortAnswer,
        DirtyAnswer
    }

    Mood public immutable mood;

    constructor(Mood mood_) {
        mood = mood_;
    }

    function isValidSignature(bytes32, bytes calldata) external view returns (bytes4) {
        if (mood == Mood.BurnGas) {
            while (true) {}
        }
        bytes4 magic = IERC1271.isValidSignature.selector;
        uint256 size =
            mood == Mood.ShortAnswer
                ? 4
                : mood == Mood.DirtyAnswer
                    ? 32
                    : 100_000;
        uint256 dirt = mood == Mood.DirtyAnswer ? 1 : 0;
        bool fails = mood == Mood.RevertBomb;
        assembly ("memory-safe") {
            let free := mload(0x40)
            mstore(free, or(magic, dirt))
            if fails {
                revert(free, size)
            }
            return(free, size)
        }
    }
}
