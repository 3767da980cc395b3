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

    function ownMoves() internal view override returns (bytes4[] memory own) {
        EscrowHandler h = EscrowHandler(address(handler));
        own = new bytes4[](2);
        (own[0], own[1]) = (h.rule.selector, h.appeal.selector);
    }
}
