// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {IDRaaSEscrow} from "../interfaces/IDRaaSEscrow.sol";
import {Job, JobTerms, Provider, Rates} from "../interfaces/Types.sol";
import {Metering} from "../libraries/Metering.sol";
import {Ledger} from "./Ledger.sol";

/// @title Providers: bonded capacity, rate cards and record
/// @dev A rate card is never changed or removed: running jobs go on naming theirs by number.
abstract contract Providers is Ledger {
    /// @inheritdoc IDRaaSEscrow
    function register(uint32 units, Rates calldata rates) external {
        Provider memory provider = _provider(msg.sender);
        uint256 bonded = uint256(provider.bonded) + units;
        if (bonded > type(uint32).max) revert BondTooLarge(bonded);
        provider.bonded = uint32(bonded);
        provider.unbondAt = 0;
        emit ProviderRegistered(msg.sender, bonded);
        _addRateCard(provider, rates);
        if (units != 0 && bondPerUnit != 0) _receive(units * bondPerUnit);
    }

    /// @inheritdoc IDRaaSEscrow
    function setRates(Rates calldata rates) external {
        _addRateCard(_registered(), rates);
    }

    /// @inheritdoc IDRaaSEscrow
    function startUnbond() external {
        Provider memory provider = _registered();
        if (provider.unbondAt != 0) revert StillBonded(provider.unbondAt);
        provider.unbondAt = _afterUnbondTime();
        _saveProvider(msg.sender, provider);
        emit UnbondStarted(msg.sender, provider.unbondAt);
    }

    /// @inheritdoc IDRaaSEscrow
    function withdrawBond() external {
        Provider memory provider = _registered();
        if (provider.unbondAt == 0 || block.timestamp < provider.unbondAt) revert StillBonded(provider.unbondAt);
        if (provider.reserved != 0) revert StillReserved(provider.reserved);
        uint256 amount = provider.bonded * bondPerUnit;
        provider.bonded = 0;
        provider.unbondAt = 0;
        _saveProvider(msg.sender, provider);
        emit BondWithdrawn(msg.sender, amount);
        _send(msg.sender, amount);
    }

    /// @dev Reserves what the job needs of the caller's bond, if it may claim this job; returns its rate card.
    function _reserve(JobTerms calldata terms, Job memory job) internal returns (uint16) {
        Provider memory provider = _provider(msg.sender);
        (uint16 rateCard, uint256 reserved) = (provider.rateCard, uint256(provider.reserved) + _unitsOf(job));
        if (rateCard == 0) revert NotRegistered(msg.sender);
        if (provider.unbondAt != 0) revert StillBonded(provider.unbondAt);
        if (reserved > provider.bonded) revert BondTooSmall(provider.bonded, reserved);
        if (!Metering.within(_rateCard(msg.sender, rateCard), terms.maxRates)) revert RatesTooHigh();
        provider.reserved = uint32(reserved); // at most what is bonded
        _saveProvider(msg.sender, provider);
        return rateCard;
    }

    /// @dev Takes a settled run into its provider's record. One that is leaving waits anew, for disputes.
    function _free(address who, Job memory job, uint256 earned) internal view returns (Provider memory provider) {
        provider = _provider(who);
        provider.reserved -= _unitsOf(job);
        provider.earned = uint80(Math.min(provider.earned + earned, type(uint80).max));
        if (provider.unbondAt != 0) provider.unbondAt = _afterUnbondTime();
    }

    /// @dev Takes the bond of one run, or what is left of the bond, and returns its amount, which is the caller's to
    /// credit.
    function _slash(Provider memory provider, address who, bytes32 jobId, Job memory job)
        internal
        returns (uint256 amount)
    {
        uint256 units = Math.min(_unitsOf(job), provider.bonded);
        amount = units * bondPerUnit;
        provider.bonded -= uint32(units);
        emit BondSlashed(who, jobId, units, amount);
    }

    /// @dev Units of capacity that a run holds; two 24-bit figures.
    function _unitsOf(Job memory job) private pure returns (uint32) {
        return uint32(job.cpuMillis) + job.memoryMib;
    }

    function _afterUnbondTime() private view returns (uint32) {
        return uint32(Math.min(block.timestamp + unbondTime, type(uint32).max));
    }

    function _addRateCard(Provider memory provider, Rates calldata rates) private {
        provider.rateCard += 1;
        _saveProvider(msg.sender, provider);
        _rates[msg.sender][provider.rateCard] = rates;
        emit RatesSet(msg.sender, provider.rateCard, rates);
    }

    function _registered() private view returns (Provider memory provider) {
        provider = _provider(msg.sender);
        if (provider.rateCard == 0) revert NotRegistered(msg.sender);
    }
}
