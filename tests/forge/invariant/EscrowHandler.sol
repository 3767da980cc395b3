// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IArbitrator} from "contracts/interfaces/IArbitration.sol";
import {Exit} from "./Exit.sol";
import {Move} from "./Market.sol";

/// @dev Everybody's moves, with an arbitrator who answers when and what he likes, or never.
contract EscrowHandler is Exit {
    function rule(uint256 seed, uint256 share) external watched {
        if (cases.length == 0) return;
        uint256 place = seed % cases.length;
        uint256 id = cases[place].id;
        uint256 ruling = rulingFrom(seed, share);
        if (isDue(place) || ruling > 10_001) {
            (bool success,) = address(arbitrator).call(abi.encodeCall(arbitrator.giveRuling, (id, ruling)));
            return vm.assertTrue(!success, "[15] a ruling came too late, or was none");
        }
        look(cases[place].deal);
        Parts memory parts = foreseeRuling(place, ruling);
        arbitrator.giveRuling(id, ruling);
        noteRuling(place, parts);
        ++done[Move.Rule];
    }

    function appeal(uint256 seed, uint256 share) external watched {
        if (cases.length == 0) return;
        Case storage c = cases[seed % cases.length];
        if (arbitrator.disputeStatus(c.id) != IArbitrator.DisputeStatus.Waiting) return;
        arbitrator.propose(c.id, 1 + share % 10_001);
        vm.prank(c.opener);
        (bool success,) = address(escrow).call{value: 2 * FEE}(abi.encodeCall(escrow.appeal, (c.id)));
        vm.assertTrue(
            success == (block.timestamp <= c.openedAt + RULING_TIME / 2), "[15] appeals leave time to rule them"
        );
        if (success) ++done[Move.Appeal];
    }

    function rulingFrom(uint256 seed, uint256 share) private pure returns (uint256) {
        uint256 kind = (seed >> 8) % 12;
        if (kind == 0) return 0;
        if (kind == 1) return 5000;
        if (kind == 2) return 5001;
        if (kind == 3) return 10_001;
        return kind == 4 ? 10_002 + share % 5 : 1 + share % 10_001;
    }
}
