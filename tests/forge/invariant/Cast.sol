// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {EscrowTest, Provider, Rates} from "../EscrowTest.sol";

/// @dev Who takes part: two consumers, of whom the second is a provider too and so may be on both sides of a job, two
/// more providers, a scheduler, a watcher, a relayer for what others signed, a donor, and a stranger who may nothing.
abstract contract Cast is EscrowTest {
    uint256 internal constant RIVAL_KEY = 0xA3;
    uint256 internal constant BOTH_KEY = 0xC1;
    uint256 internal constant PEOPLE = 8;
    uint256 internal constant PROVIDERS = 3;

    address internal both = vm.addr(BOTH_KEY);
    address internal relayer = address(0xE1);
    address internal donor = address(0xD0);

    // Mirrors of each provider's record, in full words.
    mapping(address who => uint256 units) internal bonded;
    mapping(address who => uint256) internal completed;
    mapping(address who => uint256) internal lapsed;
    mapping(address who => uint256) internal lost;
    mapping(address who => uint256) internal unbondAt;
    mapping(address who => Rates) internal ratesNow;

    // Every token that should have come in or gone out, and every credit that should have been given or paid.
    uint256 internal tokensIn;
    uint256 internal tokensOut;
    uint256 internal donated;
    mapping(address who => uint256) internal credited;
    mapping(address who => uint256) internal creditPaid;

    function setUp() public virtual override {
        rival = vm.addr(RIVAL_KEY);
        super.setUp();
        appoint();
        address[3] memory late = [both, relayer, donor];
        for (uint256 i = 0; i < late.length; ++i) {
            vm.deal(late[i], 1 ether);
        }
        for (uint256 i = 0; i < PEOPLE; ++i) {
            token.transfer(person(i), 1e24); // a few of the largest deposits
            approve(person(i));
        }
        noteBond(provider, BONDED, rates());
        noteBond(rival, BONDED, rates());
        enlist(both, 2 * UNITS, rates());
    }

    /// @dev For a campaign with another arbitrator.
    function appoint() internal virtual {}

    function person(uint256 i) internal view returns (address) {
        address[PEOPLE] memory people = [consumer, both, watcher, provider, rival, stranger, donor, relayer];
        return people[i % PEOPLE];
    }

    function runnerAt(uint256 i) internal view returns (address) {
        address[PROVIDERS] memory all = [provider, rival, both];
        return all[i % PROVIDERS];
    }

    function keyOf(address who) internal view returns (uint256) {
        if (who == consumer) return CONSUMER_KEY;
        if (who == both) return BOTH_KEY;
        return who == provider ? PROVIDER_KEY : RIVAL_KEY;
    }

    function approve(address who) internal {
        vm.prank(who);
        token.approve(address(escrow), type(uint256).max);
    }

    /// @dev Registers or bonds more.
    function enlist(address who, uint32 units, Rates memory card) internal {
        vm.prank(who);
        escrow.register(units, card);
        noteBond(who, units, card);
    }

    function noteBond(address who, uint256 units, Rates memory card) private {
        bonded[who] += units;
        unbondAt[who] = 0;
        ratesNow[who] = card;
        tokensIn += units * BOND_PER_UNIT;
    }

    /// @dev What a slash of so many units should take; the caller credits it.
    function noteSlash(address who, uint256 units) internal returns (uint256 amount) {
        if (units > bonded[who]) units = bonded[who];
        bonded[who] -= units;
        return units * BOND_PER_UNIT;
    }

    function noteCredit(address who, uint256 amount) internal {
        credited[who] += amount;
    }

    function creditDue(address who) internal view returns (uint256) {
        return credited[who] - creditPaid[who];
    }

    function recordOf(address who) internal view returns (Provider memory) {
        return escrow.providers(who);
    }
}
