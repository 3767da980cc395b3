// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Campaign} from "./Campaign.sol";
import {EscrowHandler} from "./EscrowHandler.sol";
import {Exit} from "./Exit.sol";

/// @dev The escrow with an arbitrator of one.
contract EscrowLawsTest is Campaign {
    function newHandler() internal override returns (Exit) {
        return new EscrowHandler();
    }

    function ownMoves() internal pure override returns (bytes4[] memory own) {
        own = new bytes4[](2);
        (own[0], own[1]) = (EscrowHandler.rule.selector, EscrowHandler.appeal.selector);
    }
}
