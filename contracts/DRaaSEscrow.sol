// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Parameters} from "./interfaces/IDRaaSEscrow.sol";
import {Disputes} from "./escrow/Disputes.sol";
import {Jobs} from "./escrow/Jobs.sol";
import {Ledger} from "./escrow/Ledger.sol";
import {Providers} from "./escrow/Providers.sol";
import {Runs} from "./escrow/Runs.sol";

/// @title DRaaS escrow: jobs, usage-metered release, refunds
/// @notice See `IDRaaSEscrow` for what each function does. Nobody owns this contract, and nothing in it can be
/// changed, paused or upgraded.
contract DRaaSEscrow is Providers, Jobs, Runs, Disputes {
    /// @param token the ERC-20 that deposits, bonds and payments are in
    /// @param arbiter rules disputes
    /// @param parameters spans of time in seconds, bonds in base units
    constructor(address token, address arbiter, Parameters memory parameters) Ledger(token, arbiter, parameters) {}
}
