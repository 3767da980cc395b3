// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {EscrowTest, IDRaaSEscrow, IToken, JobTerms} from "./EscrowTest.sol";
import {HostileToken} from "./HostileToken.sol";
import {HostileWallet} from "./HostileWallet.sol";

/// @dev An escrow whose token is hostile, with a thousand honest units in it, and an attacker that is a contract.
abstract contract HostileMarket is EscrowTest {
    uint256 internal constant OTHERS = DEPOSIT;

    HostileToken internal hostile;
    HostileWallet internal attacker;
    JobTerms internal honest; // somebody else's open job

    function setUp() public virtual override {
        super.setUp();
        hostile = new HostileToken();
        token = IToken(address(hostile));
        escrow = newEscrow(address(token), address(arbitrator), parameters());
        attacker = new HostileWallet(HostileWallet.Mood.Honest);
        address[5] memory people = [consumer, watcher, provider, rival, address(attacker)];
        for (uint256 i = 0; i < 5; ++i) {
            hostile.mint(people[i], 1e15);
            vm.deal(people[i], 1 ether);
            vm.prank(people[i]);
            token.approve(address(escrow), type(uint256).max);
        }
        register(provider);
        register(rival);
        (honest,) = posted();
    }

    function attackersTerms() internal returns (JobTerms memory terms) {
        terms = someTerms();
        terms.consumer = address(attacker);
        terms.scheduler = address(0);
    }

    function attack(bytes memory call) internal {
        attacker.act(address(escrow), call);
    }

    /// @dev At the next transfer the attacker makes this call.
    function hook(bytes memory call) internal {
        hostile.callBack(attacker, address(escrow), call);
    }

    function post(JobTerms memory terms) internal {
        attack(abi.encodeCall(IDRaaSEscrow.postJob, (terms, DEPOSIT)));
    }

    /// @dev The attacker has what it began with and the escrow what belongs to others, to the last unit.
    function assertNothingGained() internal view {
        vm.assertEq(token.balanceOf(address(attacker)), 1e15, "attacker");
        vm.assertEq(token.balanceOf(address(escrow)), OTHERS + 2 * BONDED * BOND_PER_UNIT, "escrow");
    }
}
