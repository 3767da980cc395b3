// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Parameters} from "./interfaces/Types.sol";
import {Disputes} from "./escrow/Disputes.sol";
import {Jobs} from "./escrow/Jobs.sol";
import {Ledger} from "./escrow/Ledger.sol";
import {Reports} from "./escrow/Reports.sol";

/// @title DRaaS escrow: jobs, usage-metered release, refunds
/// @notice See `IDRaaSEscrow` for what each function does. Nobody owns this contract, and nothing in it can be
/// changed, paused or upgraded.
contract DRaaSEscrow is Jobs, Reports, Disputes {
    /// @notice Fixes everything that can be chosen, for good.
    /// @param token_ the ERC-20 that deposits, bonds and payments are in
    /// @param arbitrator_ rules disputes (ERC-792)
    /// @param metaEvidence path on IPFS of what disputes are about (ERC-1497)
    /// @param parameters spans of time in seconds, bonds in base units
    constructor(address token_, address arbitrator_, string memory metaEvidence, Parameters memory parameters)
        Ledger(token_, parameters)
        Disputes(arbitrator_, metaEvidence, parameters)
    {}
}
