// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IDRaaSEscrow, Provider, Rates} from "../interfaces/IDRaaSEscrow.sol";
import {Ledger} from "./Ledger.sol";

/// @title Providers' bonds and rate cards
/// @dev A rate card is never changed or removed: running jobs go on naming theirs by number.
abstract contract Providers is Ledger {
    /// @inheritdoc IDRaaSEscrow
    function register(uint256 bond, Rates calldata rates) external {
        Provider memory provider = _providers[msg.sender];
        uint256 total = provider.bond + bond;
        if (total < minBond) revert BondTooSmall(total, minBond);
        if (total > type(uint96).max) revert DepositTooLarge(total);
        provider.bond = uint96(total);
        provider.unbondAt = 0;
        emit ProviderRegistered(msg.sender, total);
        _addRateCard(provider, rates);
        if (bond != 0) _receive(bond);
    }

    /// @inheritdoc IDRaaSEscrow
    function setRates(Rates calldata rates) external {
        _addRateCard(_registered(), rates);
    }

    /// @inheritdoc IDRaaSEscrow
    function startUnbond() external {
        Provider memory provider = _registered();
        if (provider.unbondAt != 0) revert StillBonded(provider.unbondAt);
        provider.unbondAt = uint40(block.timestamp + unbondTime);
        _providers[msg.sender] = provider;
        emit UnbondStarted(msg.sender, provider.unbondAt);
    }

    /// @inheritdoc IDRaaSEscrow
    function withdrawBond() external {
        Provider memory provider = _registered();
        if (provider.unbondAt == 0 || block.timestamp < provider.unbondAt) revert StillBonded(provider.unbondAt);
        uint256 bond = provider.bond;
        provider.bond = 0;
        provider.unbondAt = 0;
        _providers[msg.sender] = provider;
        emit BondWithdrawn(msg.sender, bond);
        _send(msg.sender, bond);
    }

    function _addRateCard(Provider memory provider, Rates calldata rates) private {
        provider.rateCard += 1;
        _providers[msg.sender] = provider;
        _rates[msg.sender][provider.rateCard] = rates;
        emit RatesSet(msg.sender, provider.rateCard, rates);
    }

    function _registered() private view returns (Provider memory provider) {
        provider = _providers[msg.sender];
        if (provider.rateCard == 0) revert NotRegistered(msg.sender);
    }
}
