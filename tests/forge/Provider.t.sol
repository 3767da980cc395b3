// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {EscrowTest, IEscrowEvents, JobTerms, Provider, Rates} from "./EscrowTest.sol";

contract ProviderTest is EscrowTest {
    function test_registering_takes_the_bond_of_each_unit_and_sets_the_first_rate_card() public {
        vm.expectEmit();
        emit IEscrowEvents.ProviderRegistered(stranger, 9);
        vm.expectEmit();
        emit IEscrowEvents.RatesSet(stranger, 1, rates());
        vm.prank(stranger);
        escrow.register(9, rates());
        vm.assertEq(escrow.providers(stranger).bonded, 9);
        vm.assertEq(escrow.providers(stranger).rateCard, 1);
        vm.assertEq(escrow.ratesOf(stranger, 1).cpuMs, 1000);
        vm.assertEq(token.balanceOf(stranger), 1e15 - 9 * BOND_PER_UNIT);
    }

    function test_registering_again_adds_capacity_and_calls_an_unbonding_off() public {
        vm.prank(provider);
        escrow.startUnbond();
        vm.prank(provider);
        escrow.register(3, Rates(1, 1, 1, 1));
        vm.assertEq(escrow.providers(provider).unbondAt, 0);
        vm.assertEq(escrow.providers(provider).bonded, BONDED + 3);
        vm.assertEq(escrow.providers(provider).rateCard, 2);
        vm.assertEq(escrow.ratesOf(provider, 1).cpuMs, 1000);
    }

    function test_a_provider_may_register_without_capacity_and_claims_nothing() public {
        vm.prank(stranger);
        escrow.register(0, rates());
        vm.assertEq(token.balanceOf(stranger), 1e15);
        (JobTerms memory terms, bytes32 id) = posted();
        bytes memory signature = assigned(id, 1, stranger, uint64(T0));
        vm.expectRevert(abi.encodeWithSelector(IEscrowEvents.BondTooSmall.selector, 0, UNITS));
        vm.prank(stranger);
        escrow.claimJob(terms, bytes32("image"), uint64(T0), signature);
    }

    function test_capacity_above_its_field_is_refused() public {
        uint256 large = uint256(type(uint32).max) + BONDED;
        vm.expectRevert(abi.encodeWithSelector(IEscrowEvents.BondTooLarge.selector, large));
        vm.prank(provider);
        escrow.register(type(uint32).max, rates());
    }

    function test_a_bond_comes_out_after_the_unbonding_time_and_no_sooner() public {
        refusesBond(0);
        leave(provider);
        at(UNBOND_TIME - 1);
        refusesBond(T0 + UNBOND_TIME);
        vm.expectRevert(abi.encodeWithSelector(IEscrowEvents.StillBonded.selector, T0 + UNBOND_TIME));
        leave(provider);
        at(UNBOND_TIME);
        vm.expectEmit();
        emit IEscrowEvents.BondWithdrawn(provider, BONDED * BOND_PER_UNIT);
        vm.prank(provider);
        escrow.withdrawBond();
        vm.assertEq(token.balanceOf(provider), 1e15);
        refusesBond(0);
    }

    function test_a_strangers_rates_and_bond_do_not_exist() public {
        bytes memory why = abi.encodeWithSelector(IEscrowEvents.NotRegistered.selector, stranger);
        vm.expectRevert(why);
        vm.prank(stranger);
        escrow.setRates(rates());
        vm.expectRevert(why);
        leave(stranger);
        vm.expectRevert(why);
        vm.prank(stranger);
        escrow.withdrawBond();
    }

    function test_a_bond_stays_while_a_run_holds_it_and_then_for_its_disputes() public {
        (JobTerms memory terms,) = running();
        leave(provider);
        at(600 + GRACE + 1);
        vm.expectRevert(abi.encodeWithSelector(IEscrowEvents.StillReserved.selector, UNITS));
        vm.prank(provider);
        escrow.withdrawBond();
        refund(terms, provider); // settles the run
        refusesBond(T0 + 600 + GRACE + 1 + UNBOND_TIME);
        at(600 + GRACE + 1 + UNBOND_TIME);
        vm.prank(provider);
        escrow.withdrawBond();
        vm.assertEq(token.balanceOf(provider), 1e15);
    }

    function test_a_provider_that_leaves_may_finish_what_it_runs_and_waits_anew() public {
        (, bytes32 id) = running();
        leave(provider);
        at(10);
        vm.expectEmit();
        emit IEscrowEvents.UnbondStarted(provider, T0 + 10 + UNBOND_TIME);
        complete(id, full(10));
        vm.assertEq(earned(id, 1), price(10));
        vm.assertEq(escrow.providers(provider).unbondAt, T0 + 10 + UNBOND_TIME);
    }

    function test_a_provider_may_come_back_after_its_bond_went_out() public {
        leave(provider);
        at(UNBOND_TIME);
        vm.prank(provider);
        escrow.withdrawBond();
        vm.prank(provider);
        escrow.register(UNITS, rates());
        running();
        vm.assertEq(escrow.providers(provider).reserved, UNITS);
    }

    function test_the_record_tells_completed_lapsed_and_earned() public {
        (, bytes32 first) = running();
        (JobTerms memory second,) = running();
        at(10);
        complete(first, full(10));
        at(LAPSE_AFTER + 1);
        escrow.lapseJob(second, provider);
        Provider memory record = escrow.providers(provider);
        vm.assertEq(record.completed, 1);
        vm.assertEq(record.lapsed, 1);
        vm.assertEq(record.earned, price(10));
        vm.assertEq(record.reserved, 0);
    }

    function test_every_third_lapse_costs_the_bond_of_its_run() public {
        for (uint256 i = 1; i <= 6; ++i) {
            vm.assertEq(escrow.burned(), (i - 1) / 3 * UNITS * BOND_PER_UNIT);
            (JobTerms memory terms, bytes32 id) = running();
            vm.warp(block.timestamp + LAPSE_AFTER + 1);
            if (i % 3 == 0) {
                vm.expectEmit();
                emit IEscrowEvents.BondSlashed(provider, id, UNITS, UNITS * BOND_PER_UNIT);
            }
            escrow.lapseJob(terms, provider);
        }
        vm.assertEq(escrow.burned(), 2 * UNITS * BOND_PER_UNIT);
        vm.assertEq(escrow.providers(provider).bonded, BONDED - 2 * UNITS);
    }

    function test_a_bond_that_is_nearly_gone_is_slashed_to_nothing_and_no_further() public {
        for (uint256 i = 0; i < 61; ++i) {
            (JobTerms memory terms,) = running();
            vm.warp(block.timestamp + LAPSE_AFTER + 1);
            escrow.lapseJob(terms, provider);
            if (escrow.providers(provider).bonded == 0) break;
        }
        vm.assertEq(escrow.providers(provider).bonded, 0);
        vm.assertEq(escrow.burned(), BONDED * BOND_PER_UNIT);
        vm.assertEq(escrow.creditOf(consumer), 0); // whoever could gain by a slash could be the provider too
        leave(provider);
        vm.warp(block.timestamp + UNBOND_TIME);
        vm.prank(provider);
        escrow.withdrawBond(); // nothing, but the record is cleared
        vm.assertEq(escrow.providers(provider).unbondAt, 0);
    }

    function test_a_slash_under_live_runs_neither_underflows_nor_frees_them() public {
        JobTerms[] memory terms = new JobTerms[](20);
        for (uint256 i = 0; i < 20; ++i) {
            (terms[i],) = running();
        }
        at(LAPSE_AFTER + 1);
        for (uint256 i = 0; i < 3; ++i) {
            escrow.lapseJob(terms[i], provider);
        }
        Provider memory record = escrow.providers(provider);
        vm.assertEq(record.reserved, 17 * UNITS);
        vm.assertEq(record.bonded, 19 * UNITS);
        for (uint256 i = 3; i < 20; ++i) {
            escrow.lapseJob(terms[i], provider);
        }
        vm.assertEq(escrow.providers(provider).reserved, 0);
        vm.assertEq(escrow.providers(provider).bonded, 14 * UNITS);
    }

    function test_after_a_slash_a_full_provider_claims_only_what_its_bond_still_covers() public {
        vm.prank(stranger);
        escrow.register(2 * UNITS, rates());
        for (uint256 i = 0; i < 3; ++i) {
            (JobTerms memory terms,) = posted();
            claim(terms, 1, stranger);
            vm.warp(block.timestamp + LAPSE_AFTER + 1);
            escrow.lapseJob(terms, stranger);
        }
        (JobTerms memory fits,) = posted();
        claim(fits, 1, stranger);
        (JobTerms memory more, bytes32 id) = posted();
        uint64 until = uint64(block.timestamp);
        bytes memory signature = assigned(id, 1, stranger, until);
        vm.expectRevert(abi.encodeWithSelector(IEscrowEvents.BondTooSmall.selector, UNITS, 2 * UNITS));
        vm.prank(stranger);
        escrow.claimJob(more, bytes32("image"), until, signature);
    }

    function leave(address who) private {
        vm.prank(who);
        escrow.startUnbond();
    }

    function refusesBond(uint256 unbondAt) private {
        vm.expectRevert(abi.encodeWithSelector(IEscrowEvents.StillBonded.selector, unbondAt));
        vm.prank(provider);
        escrow.withdrawBond();
    }
}
