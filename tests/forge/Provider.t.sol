// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {EscrowTest, IDRaaSEscrow, JobTerms, Rates} from "./EscrowTest.sol";

contract ProviderTest is EscrowTest {
    function test_registering_takes_the_bond_and_sets_the_first_rate_card() public {
        vm.prank(stranger);
        escrow.register(MIN_BOND + 1, rates());
        vm.assertEq(escrow.providers(stranger).bond, MIN_BOND + 1);
        vm.assertEq(escrow.providers(stranger).rateCard, 1);
        vm.assertEq(escrow.ratesOf(stranger, 1).cpuMs, 1000);
        vm.assertEq(token.balanceOf(stranger), 1e15 - MIN_BOND - 1);
    }

    function test_registering_again_adds_to_the_bond_and_calls_an_unbonding_off() public {
        vm.prank(provider);
        escrow.startUnbond();
        vm.prank(provider);
        escrow.register(0, Rates(1, 1, 1, 1));
        vm.assertEq(escrow.providers(provider).unbondAt, 0);
        vm.assertEq(escrow.providers(provider).bond, MIN_BOND);
        vm.assertEq(escrow.providers(provider).rateCard, 2);
    }

    function test_a_bond_below_the_least_or_above_its_field_is_refused() public {
        vm.expectRevert(abi.encodeWithSelector(IDRaaSEscrow.BondTooSmall.selector, MIN_BOND - 1, MIN_BOND));
        vm.prank(stranger);
        escrow.register(MIN_BOND - 1, rates());
        uint256 large = uint256(type(uint96).max) + 1;
        vm.expectRevert(abi.encodeWithSelector(IDRaaSEscrow.DepositTooLarge.selector, large));
        vm.prank(stranger);
        escrow.register(large, rates());
    }

    function test_a_bond_comes_out_after_the_unbonding_time_and_no_sooner() public {
        refusesBond(0);
        vm.prank(provider);
        escrow.startUnbond();
        at(UNBOND_TIME - 1);
        refusesBond(T0 + UNBOND_TIME);
        vm.expectRevert(abi.encodeWithSelector(IDRaaSEscrow.StillBonded.selector, T0 + UNBOND_TIME));
        vm.prank(provider);
        escrow.startUnbond();
        at(UNBOND_TIME);
        vm.prank(provider);
        escrow.withdrawBond();
        vm.assertEq(token.balanceOf(provider), 1e15);
        refusesBond(0);
    }

    function test_a_strangers_rates_and_bond_do_not_exist() public {
        bytes memory why = abi.encodeWithSelector(IDRaaSEscrow.NotRegistered.selector, stranger);
        vm.expectRevert(why);
        vm.prank(stranger);
        escrow.setRates(rates());
        vm.expectRevert(why);
        vm.prank(stranger);
        escrow.startUnbond();
        vm.expectRevert(why);
        vm.prank(stranger);
        escrow.withdrawBond();
    }

    function test_leaving_does_not_touch_what_a_run_earned() public {
        (, bytes32 id) = running();
        vm.prank(provider);
        escrow.startUnbond();
        at(UNBOND_TIME);
        vm.prank(provider);
        escrow.withdrawBond();
        report(id, 1, full(UNBOND_TIME));
        at(UNBOND_TIME + 2 * WINDOW);
        vm.assertEq(withdraw(provider, id, 1), price(UNBOND_TIME));
    }

    function refusesBond(uint256 unbondAt) private {
        vm.expectRevert(abi.encodeWithSelector(IDRaaSEscrow.StillBonded.selector, unbondAt));
        vm.prank(provider);
        escrow.withdrawBond();
    }
}
