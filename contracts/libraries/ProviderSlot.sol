// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {Provider} from "../interfaces/Types.sol";

/// @notice A `Provider` as the one word it is stored as; first field lowest.
type ProviderSlot is uint256;

using ProviderSlots for ProviderSlot global;

/// @title The fields of a stored provider
/// @notice Counters stop at their largest value instead of turning over.
library ProviderSlots {
    function bonded(ProviderSlot provider) internal pure returns (uint256) {
        return uint32(ProviderSlot.unwrap(provider));
    }

    function reserved(ProviderSlot provider) internal pure returns (uint256) {
        return uint32(ProviderSlot.unwrap(provider) >> 32);
    }

    function unbondAt(ProviderSlot provider) internal pure returns (uint256) {
        return uint32(ProviderSlot.unwrap(provider) >> 64);
    }

    function rateCard(ProviderSlot provider) internal pure returns (uint16) {
        return uint16(ProviderSlot.unwrap(provider) >> 96);
    }

    function completed(ProviderSlot provider) internal pure returns (uint256) {
        return uint32(ProviderSlot.unwrap(provider) >> 112);
    }

    function lapsed(ProviderSlot provider) internal pure returns (uint256) {
        return uint16(ProviderSlot.unwrap(provider) >> 144);
    }

    function disputesLost(ProviderSlot provider) internal pure returns (uint256) {
        return uint16(ProviderSlot.unwrap(provider) >> 160);
    }

    function earned(ProviderSlot provider) internal pure returns (uint256) {
        return ProviderSlot.unwrap(provider) >> 176;
    }

    function withBonded(ProviderSlot provider, uint32 value) internal pure returns (ProviderSlot) {
        return _with(provider, 0, type(uint32).max, value);
    }

    function withReserved(ProviderSlot provider, uint32 value) internal pure returns (ProviderSlot) {
        return _with(provider, 32, type(uint32).max, value);
    }

    function withUnbondAt(ProviderSlot provider, uint32 value) internal pure returns (ProviderSlot) {
        return _with(provider, 64, type(uint32).max, value);
    }

    function withRateCard(ProviderSlot provider, uint16 value) internal pure returns (ProviderSlot) {
        return _with(provider, 96, type(uint16).max, value);
    }

    function plusCompleted(ProviderSlot provider) internal pure returns (ProviderSlot) {
        return _with(provider, 112, type(uint32).max, Math.min(provider.completed() + 1, type(uint32).max));
    }

    function plusLapsed(ProviderSlot provider) internal pure returns (ProviderSlot) {
        return _with(provider, 144, type(uint16).max, Math.min(provider.lapsed() + 1, type(uint16).max));
    }

    function plusDisputesLost(ProviderSlot provider) internal pure returns (ProviderSlot) {
        return _with(provider, 160, type(uint16).max, Math.min(provider.disputesLost() + 1, type(uint16).max));
    }

    function withEarned(ProviderSlot provider, uint256 value) internal pure returns (ProviderSlot) {
        return _with(provider, 176, type(uint80).max, Math.min(value, type(uint80).max));
    }

    function unpack(ProviderSlot provider) internal pure returns (Provider memory) {
        return Provider({
            bonded: uint32(provider.bonded()),
            reserved: uint32(provider.reserved()),
            unbondAt: uint32(provider.unbondAt()),
            rateCard: provider.rateCard(),
            completed: uint32(provider.completed()),
            lapsed: uint16(provider.lapsed()),
            disputesLost: uint16(provider.disputesLost()),
            earned: uint80(provider.earned())
        });
    }

    function _with(ProviderSlot provider, uint256 shift, uint256 mask, uint256 value)
        private
        pure
        returns (ProviderSlot)
    {
        return ProviderSlot.wrap(ProviderSlot.unwrap(provider) & ~(mask << shift) | value << shift);
    }
}
