// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Campaign} from "./Campaign.sol";
import {EscrowCourtHandler} from "./EscrowCourtHandler.sol";
import {Exit} from "./Exit.sol";

/// @dev The same escrow with the court of jurors.
contract EscrowCourtLawsTest is Campaign {
    function newHandler() internal override returns (Exit) {
        return new EscrowCourtHandler();
    }

    function ownMoves() internal view override returns (bytes4[] memory own) {
        EscrowCourtHandler h = EscrowCourtHandler(address(handler));
        own = new bytes4[](9);
        own[0] = h.stake.selector;
        for (uint256 k = 1; k < own.length; ++k) {
            own[k] = h.hear.selector;
        }
    }

    /// @dev A ruling takes half a dozen moves, which leaves fewer for others.
    function floorOf(uint256 m) internal pure override returns (uint256) {
        return super.floorOf(m) / 4;
    }
}
