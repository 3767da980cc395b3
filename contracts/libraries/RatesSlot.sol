// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Rates} from "../interfaces/Types.sol";

/// @notice `Rates` as the one word they are stored as; first field lowest.
type RatesSlot is uint256;

using RatesSlots for RatesSlot global;

/// @title The fields of a stored rate card
/// @notice Four prices of 64 bits.
library RatesSlots {
    function cpuMs(RatesSlot rates) internal pure returns (uint256) {
        return uint64(RatesSlot.unwrap(rates));
    }

    function memoryMibS(RatesSlot rates) internal pure returns (uint256) {
        return uint64(RatesSlot.unwrap(rates) >> 64);
    }

    function egressKib(RatesSlot rates) internal pure returns (uint256) {
        return uint64(RatesSlot.unwrap(rates) >> 128);
    }

    function wallS(RatesSlot rates) internal pure returns (uint256) {
        return RatesSlot.unwrap(rates) >> 192;
    }

    function pack(Rates calldata rates) internal pure returns (RatesSlot) {
        return RatesSlot.wrap(
            rates.cpuMs | uint256(rates.memoryMibS) << 64 | uint256(rates.egressKib) << 128 | uint256(rates.wallS)
                << 192
        );
    }

    function unpack(RatesSlot rates) internal pure returns (Rates memory) {
        return Rates({
            cpuMs: uint64(rates.cpuMs()),
            memoryMibS: uint64(rates.memoryMibS()),
            egressKib: uint64(rates.egressKib()),
            wallS: uint64(rates.wallS())
        });
    }
}
