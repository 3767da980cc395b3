// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {EscrowTest, IEscrowEvents, JobState, JobTerms, RunRef} from "./EscrowTest.sol";

contract FinalityTest is EscrowTest {
    function test_what_is_reported_in_an_epoch_is_final_from_the_next_but_one() public {
        (, bytes32 id) = running();
        at(WINDOW - 1);
        report(id, 1, full(10));
        at(2 * WINDOW - 1);
        vm.assertEq(finalEarned(id, 1), 0);
        at(2 * WINDOW);
        vm.assertEq(finalEarned(id, 1), price(10));
    }

    function test_reports_at_any_pace_are_final_after_one_to_two_windows(uint256 seed) public {
        (, bytes32 id) = running();
        uint256 second;
        uint256[] memory reportedAt = new uint256[](12);
        uint256[] memory amounts = new uint256[](12);
        for (uint256 i = 0; i < 12; ++i) {
            second += 1 + uint256(keccak256(abi.encode(seed, i))) % (i % 3 == 0 ? 100 : 25);
            if (second >= 600) break;
            at(second);
            assertFinalityBounds(id, reportedAt, amounts, i, second);
            report(id, 1, full(second));
            (reportedAt[i], amounts[i]) = (second, earned(id, 1));
            assertFinalityBounds(id, reportedAt, amounts, i + 1, second);
        }
    }

    function test_whatever_is_withdrawn_when_adds_up_to_what_is_final(uint256 seed) public {
        (, bytes32 id) = running();
        uint256 second;
        uint256 paid;
        for (uint256 i = 0; i < 20 && second < 560; ++i) {
            uint256 dice = uint256(keccak256(abi.encode(seed, i)));
            second += 1 + dice % 40;
            at(second);
            if (dice & 1024 != 0) report(id, 1, full(second));
            if (dice & 2048 == 0 || escrow.withdrawableOf(id, 1, provider) + escrow.creditOf(provider) == 0) continue;
            paid += withdraw(provider, id, 1);
            vm.assertEq(paid, finalEarned(id, 1));
            vm.assertEq(token.balanceOf(provider), 1e15 - BONDED * BOND_PER_UNIT + paid);
        }
        at(2000);
        vm.assertEq(finalEarned(id, 1), earned(id, 1));
    }

    function test_frequent_small_reports_delay_finality_no_further() public {
        (, bytes32 id) = running();
        for (uint256 second = 1; second <= 180; ++second) {
            at(second);
            report(id, 1, full(second));
        }
        vm.assertEq(finalEarned(id, 1), price(2 * WINDOW - 1));
    }

    function test_a_late_report_does_not_make_itself_final() public {
        (, bytes32 id) = running();
        at(5);
        report(id, 1, full(5));
        at(400);
        report(id, 1, full(400));
        vm.assertEq(finalEarned(id, 1), price(5));
    }

    function test_a_report_moves_what_is_final_to_the_providers_credit() public {
        (, bytes32 id) = running();
        at(10);
        report(id, 1, full(10));
        at(130);
        vm.expectEmit();
        emit IEscrowEvents.Released(id, provider, 1, price(10));
        report(id, 1, full(130));
        vm.assertEq(escrow.creditOf(provider), price(10));
        vm.assertEq(escrow.withdrawableOf(id, 1, provider), 0);
        uint256 before = token.balanceOf(provider);
        vm.expectEmit();
        emit IEscrowEvents.CreditWithdrawn(provider, price(10));
        vm.assertEq(withdrawCredit(provider), price(10));
        vm.assertEq(token.balanceOf(provider) - before, price(10));
        refusesWithdrawal(provider, refOf(id, 1));
    }

    function test_a_withdrawal_takes_what_became_final_since_the_last_report_once() public {
        (, bytes32 id) = running();
        at(10);
        report(id, 1, full(10));
        at(70);
        report(id, 1, full(70));
        at(125);
        vm.assertEq(escrow.withdrawableOf(id, 1, provider), price(10));
        vm.expectEmit();
        emit IEscrowEvents.Withdrawn(id, provider, 1, price(10));
        vm.assertEq(withdraw(provider, id, 1), price(10));
        refusesWithdrawal(provider, refOf(id, 1));
        at(130);
        report(id, 1, full(130));
        vm.assertEq(escrow.creditOf(provider), 0);
        vm.assertEq(finalEarned(id, 1), price(10));
    }

    function test_every_withdrawal_of_a_long_run_pays_only_what_is_new() public {
        (, bytes32 id) = running();
        uint256 paid;
        for (uint256 second = 50; second < 600; second += 50) {
            at(second);
            report(id, 1, full(second));
            if (escrow.withdrawableOf(id, 1, provider) + escrow.creditOf(provider) == 0) continue;
            paid += withdraw(provider, id, 1);
            vm.assertEq(paid, finalEarned(id, 1));
        }
        vm.assertEq(paid, price(450));
    }

    function test_one_withdrawal_gathers_many_runs_and_credit_and_passes_over_the_rest() public {
        (, bytes32 first) = running();
        (, bytes32 second) = running();
        (, bytes32 rolled) = running();
        (JobTerms memory terms, bytes32 others) = posted();
        claim(terms, 1, rival);
        at(10);
        report(first, 1, full(10));
        report(second, 1, full(8));
        report(rolled, 1, full(7));
        at(130);
        report(rolled, 1, full(9));
        RunRef[] memory refs = new RunRef[](5);
        refs[0] = RunRef(others, 1);
        refs[1] = RunRef(first, 1);
        refs[2] = RunRef(first, 1);
        refs[3] = RunRef(second, 1);
        refs[4] = RunRef(bytes32("nothing"), 1);
        vm.prank(provider);
        vm.assertEq(escrow.withdraw(refs), price(10) + price(8) + price(7));
    }

    function test_nobody_withdraws_anothers_earnings() public {
        (, bytes32 id) = running();
        at(10);
        report(id, 1, full(10));
        at(130);
        refusesWithdrawal(rival, refOf(id, 1));
        refusesWithdrawal(consumer, refOf(id, 1));
    }

    function test_a_refunded_job_is_closed_when_its_last_report_is_final() public {
        (JobTerms memory terms, bytes32 id) = running();
        at(10);
        complete(id, full(10));
        refund(terms, provider);
        assertState(id, JobState.Ended);
        at(2 * WINDOW - 1);
        assertState(id, JobState.Ended);
        at(2 * WINDOW);
        assertState(id, JobState.Closed);
        vm.assertEq(withdraw(provider, id, 1), price(10));
        assertState(id, JobState.Closed);
    }

    function test_a_job_is_not_closed_before_its_refund() public {
        (JobTerms memory terms, bytes32 id) = running();
        at(10);
        complete(id, full(10));
        at(400);
        withdraw(provider, id, 1);
        assertState(id, JobState.Ended);
        refund(terms, provider);
        assertState(id, JobState.Closed);
        vm.assertEq(token.balanceOf(address(escrow)), 2 * BONDED * BOND_PER_UNIT);
    }

    function test_no_job_closes_before_all_of_it_is_final(uint16 completedAt, uint16 seen) public {
        completedAt = 1 + completedAt % uint16(600 + GRACE);
        (JobTerms memory terms, bytes32 id) = running();
        at(completedAt);
        complete(id, full(completedAt));
        refund(terms, provider);
        at(uint256(completedAt) + seen % 300);
        if (escrow.stateOf(id) == JobState.Closed) vm.assertEq(finalEarned(id, 1), earned(id, 1));
        at(uint256(completedAt) + 2 * WINDOW + GRACE);
        assertState(id, JobState.Closed);
    }

    function assertFinalityBounds(
        bytes32 id,
        uint256[] memory reportedAt,
        uint256[] memory amounts,
        uint256 count,
        uint256 second
    ) private view {
        uint256 surely;
        uint256 atMost;
        for (uint256 i = 0; i < count; ++i) {
            if (second >= reportedAt[i] + 2 * WINDOW) surely = amounts[i];
            if (second >= reportedAt[i] + WINDOW) atMost = amounts[i];
        }
        vm.assertGe(finalEarned(id, 1), surely, "final by two windows");
        vm.assertLe(finalEarned(id, 1), atMost, "not final within one window");
    }

    function refusesWithdrawal(address who, RunRef[] memory refs) private {
        vm.expectRevert(abi.encodeWithSelector(IEscrowEvents.NothingToWithdraw.selector));
        vm.prank(who);
        escrow.withdraw(refs);
    }
}
