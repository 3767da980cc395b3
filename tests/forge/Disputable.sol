// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {EscrowTest, JobTerms} from "./EscrowTest.sol";

/// @dev Runs of which a part is final and a part can be disputed, and rulings over them.
abstract contract Disputable is EscrowTest {
    uint256 internal constant SURE = 10; // seconds of usage that are final when the dispute opens
    uint256 internal constant UNSURE = 130; // seconds of usage when it opens
    uint256 internal constant RUN_BOND = UNITS * BOND_PER_UNIT;

    function disputable() internal returns (JobTerms memory terms, bytes32 id) {
        vm.warp(T0);
        (terms, id) = running();
        at(SURE);
        report(id, 1, full(SURE));
        at(UNSURE);
        report(id, 1, full(UNSURE));
    }

    /// @dev What a dispute over `disputable` freezes.
    function frozen() internal pure returns (uint256) {
        return price(UNSURE) - price(SURE);
    }

    /// @dev A ruling of r gives r - 1 of 10,000 to the provider.
    function ruleShare(uint256 disputeId, uint256 share) internal {
        arbitrator.giveRuling(disputeId, share + 1);
    }

    function refusesDispute(address who, JobTerms memory terms, bytes memory why) internal {
        vm.expectRevert(why);
        openDispute(who, terms, 1, provider);
    }

    /// @dev All that people and the escrow hold; it never changes.
    function everything() internal view returns (uint256 sum) {
        address[6] memory holders = [consumer, watcher, provider, rival, stranger, address(escrow)];
        for (uint256 i = 0; i < holders.length; ++i) {
            sum += token.balanceOf(holders[i]);
        }
    }

    /// @dev What is left when everybody has taken what is theirs: the bonds, and those that were slashed.
    function assertOnlyBondsAreLeft() internal {
        address[4] memory creditors = [consumer, watcher, provider, rival];
        for (uint256 i = 0; i < 4; ++i) {
            if (escrow.creditOf(creditors[i]) != 0) withdrawCredit(creditors[i]);
        }
        uint256 bonded = uint256(escrow.providers(provider).bonded) + escrow.providers(rival).bonded;
        vm.assertEq(token.balanceOf(address(escrow)), bonded * BOND_PER_UNIT + escrow.burned(), "only bonds are left");
    }
}
