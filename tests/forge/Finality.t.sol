// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {EscrowTest, IDRaaSEscrow, JobState, JobTerms, RunRef} from "./EscrowTest.sol";

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

    function test_a_withdrawal_moves_what_is_final_once() public {
        (, bytes32 id) = running();
        at(10);
        report(id, 1, full(10));
        at(130);
        report(id, 1, full(130));
        uint256 before = token.balanceOf(provider);
        vm.assertEq(withdraw(provider, id, 1), price(10));
        vm.assertEq(token.balanceOf(provider) - before, price(10));
        vm.assertEq(escrow.withdrawableOf(id, 1), 0);
        refusesWithdrawal(provider, refOf(id, 1));
    }

    function test_every_withdrawal_of_a_long_run_pays_only_what_is_new() public {
        (, bytes32 id) = running();
        uint256 paid;
        for (uint256 second = 50; second < 600; second += 50) {
            at(second);
            report(id, 1, full(second));
            if (escrow.withdrawableOf(id, 1) == 0) continue;
            paid += withdraw(provider, id, 1);
            vm.assertEq(paid, finalEarned(id, 1));
            vm.assertEq(token.balanceOf(provider), 1e15 - MIN_BOND + paid);
        }
        vm.assertEq(paid, price(450));
    }

    function test_one_withdrawal_gathers_many_runs_and_passes_over_the_rest() public {
        (, bytes32 first) = running();
        (, bytes32 second) = running();
        (JobTerms memory terms, bytes32 third) = posted();
        claim(terms, 1, rival);
        at(10);
        report(first, 1, full(10));
        report(second, 1, full(8));
        at(130);
        RunRef[] memory refs = new RunRef[](5);
        refs[0] = RunRef(third, 1);
        refs[1] = RunRef(first, 1);
        refs[2] = RunRef(first, 1);
        refs[3] = RunRef(second, 1);
        refs[4] = RunRef(bytes32("nothing"), 1);
        vm.prank(provider);
        vm.assertEq(escrow.withdraw(refs), price(10) + price(8));
    }

    function test_nobody_withdraws_anothers_earnings() public {
        (, bytes32 id) = running();
        at(10);
        report(id, 1, full(10));
        at(130);
        refusesWithdrawal(rival, refOf(id, 1));
        refusesWithdrawal(consumer, refOf(id, 1));
    }

    function test_the_last_withdrawal_closes_a_refunded_job() public {
        (JobTerms memory terms, bytes32 id) = running();
        at(10);
        complete(id, full(10));
        escrow.refund(terms);
        assertState(id, JobState.Ended);
        at(130);
        withdraw(provider, id, 1);
        assertState(id, JobState.Closed);
    }

    function test_a_refund_after_the_last_withdrawal_closes_too() public {
        (JobTerms memory terms, bytes32 id) = running();
        at(10);
        complete(id, full(10));
        at(130);
        withdraw(provider, id, 1);
        assertState(id, JobState.Ended);
        escrow.refund(terms);
        assertState(id, JobState.Closed);
        vm.assertEq(token.balanceOf(address(escrow)), 2 * MIN_BOND);
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
        vm.expectRevert(abi.encodeWithSelector(IDRaaSEscrow.NothingToWithdraw.selector));
        vm.prank(who);
        escrow.withdraw(refs);
    }
}
