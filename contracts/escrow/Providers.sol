// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {IDRaaSEscrow} from "../interfaces/IDRaaSEscrow.sol";
import {JobTerms, Rates} from "../interfaces/Types.sol";
import {JobSlot} from "../libraries/JobSlot.sol";
import {Metering} from "../libraries/Metering.sol";
import {ProviderSlot} from "../libraries/ProviderSlot.sol";
import {RatesSlots} from "../libraries/RatesSlot.sol";
import {Ledger} from "./Ledger.sol";

/// @title Providers: bonded capacity, rate cards and record
/// @notice A rate card is never changed or removed: running jobs go on naming theirs by number.
abstract contract Providers is Ledger {
    /// @inheritdoc IDRaaSEscrow
    function register(uint32 units, Rates calldata rates) external {
        ProviderSlot provider = _providers[msg.sender];
        uint256 bonded = provider.bonded() + units;
        if (bonded > type(uint32).max) revert BondTooLarge(bonded);
        emit ProviderRegistered(msg.sender, bonded);
        _addRateCard(provider.withBonded(uint32(bonded)).withUnbondAt(0), rates);
        if (units != 0 && bondPerUnit != 0) _receive(units * bondPerUnit);
    }

    /// @inheritdoc IDRaaSEscrow
    function setRates(Rates calldata rates) external {
        _addRateCard(_registered(), rates);
    }

    /// @inheritdoc IDRaaSEscrow
    function startUnbond() external {
        ProviderSlot provider = _registered();
        if (provider.unbondAt() != 0) revert StillBonded(provider.unbondAt());
        _providers[msg.sender] = _leaving(msg.sender, provider);
    }

    /// @inheritdoc IDRaaSEscrow
    function withdrawBond() external {
        ProviderSlot provider = _registered();
        uint256 unbondAt = provider.unbondAt();
        if (unbondAt == 0 || block.timestamp < unbondAt) revert StillBonded(unbondAt);
        if (provider.reserved() != 0) revert StillReserved(provider.reserved());
        uint256 amount = provider.bonded() * bondPerUnit;
        _providers[msg.sender] = provider.withBonded(0).withUnbondAt(0);
        emit BondWithdrawn(msg.sender, amount);
        _send(msg.sender, amount);
    }

    /// @dev Reserves what the job needs of the caller's bond, if it may claim this job; returns its rate card.
    function _reserve(JobTerms calldata terms, JobSlot job) internal returns (uint16 rateCard) {
        ProviderSlot provider = _providers[msg.sender];
        rateCard = provider.rateCard();
        if (rateCard == 0) revert NotRegistered(msg.sender);
        if (provider.unbondAt() != 0) revert StillBonded(provider.unbondAt());
        uint256 reserved = provider.reserved() + job.units();
        if (reserved > provider.bonded()) revert BondTooSmall(provider.bonded(), reserved);
        if (!Metering.within(_rates[msg.sender][rateCard], terms.maxRates)) revert RatesTooHigh();
        _providers[msg.sender] = provider.withReserved(uint32(reserved)); // at most what is bonded
    }

    /// @dev The provider's record with a settled run in it. One that is leaving waits anew, for disputes.
    function _freed(address who, JobSlot job, uint256 earned) internal returns (ProviderSlot provider) {
        provider = _providers[who];
        provider = provider.withReserved(uint32(provider.reserved() - job.units())); // less than it was
        provider = provider.withEarned(provider.earned() + earned);
        return provider.unbondAt() == 0 ? provider : _leaving(who, provider);
    }

    /// @dev Takes the bond of one run, or what is left of the bond; its amount is the caller's to account for.
    function _slash(ProviderSlot provider, address who, bytes32 jobId, JobSlot job)
        internal
        returns (ProviderSlot, uint256 amount)
    {
        uint256 units = Math.min(job.units(), provider.bonded());
        amount = units * bondPerUnit;
        emit BondSlashed(who, jobId, units, amount);
        return (provider.withBonded(uint32(provider.bonded() - units)), amount); // less than it was
    }

    function _leaving(address who, ProviderSlot provider) private returns (ProviderSlot) {
        uint32 unbondAt = uint32(Math.min(block.timestamp + unbondTime, LAST_SECOND)); // the largest at most
        emit UnbondStarted(who, unbondAt);
        return provider.withUnbondAt(unbondAt);
    }

    function _addRateCard(ProviderSlot provider, Rates calldata rates) private {
        uint16 rateCard = provider.rateCard() + 1; // reverts after the last number
        _providers[msg.sender] = provider.withRateCard(rateCard);
        _rates[msg.sender][rateCard] = RatesSlots.pack(rates);
        emit RatesSet(msg.sender, rateCard, rates);
    }

    function _registered() private view returns (ProviderSlot provider) {
        provider = _providers[msg.sender];
        if (provider.rateCard() == 0) revert NotRegistered(msg.sender);
    }
}
