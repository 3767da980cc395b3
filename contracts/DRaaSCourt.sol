// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {CourtParameters} from "./interfaces/IDRaaSCourt.sol";
import {Panels} from "./court/Panels.sol";
import {Rulings} from "./court/Rulings.sol";
import {Rules} from "./court/Rules.sol";
import {Votes} from "./court/Votes.sol";

/// @title DRaaS court: jurors with a stake rule which share of a sum the provider gets
/// @notice See `IDRaaSCourt` for what each function does. Nobody owns this contract, and nothing in it can be
/// changed, paused or upgraded.
contract DRaaSCourt is Panels, Votes, Rulings {
    /// @param token the ERC-20 that jurors stake
    /// @param parameters spans of time in seconds, fees in wei, stakes in base units
    constructor(address token, CourtParameters memory parameters) Rules(token, parameters) {}
}
