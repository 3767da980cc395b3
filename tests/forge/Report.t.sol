// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {EscrowTest, IDRaaSEscrow, JobState, JobTerms, Rates, RunRef, Usage, UsageReport} from "./EscrowTest.sol";

contract ReportTest is EscrowTest {
    function test_a_report_releases_exactly_metric_times_rate() public {
        (, bytes32 id) = running();
        at(10);
        report(id, 1, Usage(7_000, 1_234, 56, 9));
        vm.assertEq(earned(id, 1), 7_000 * 1000 + 1_234 * 20 + 56 * 5 + 9 * 50);
    }

    function test_no_metric_is_paid_above_what_was_reserved_for_the_time_that_passed(uint64 lie, uint8 span) public {
        vm.assume(lie > 1000 * uint64(span) && span < 200);
        (, bytes32 id) = running();
        at(span);
        report(id, 1, Usage(lie, lie, lie, lie));
        vm.assertEq(earned(id, 1), price(span));
        vm.assertEq(escrow.runs(id, 1).usage.cpuMs, uint256(1000) * span);
        vm.assertEq(escrow.runs(id, 1).usage.egressKib, uint256(64) * span);
    }

    function test_two_reports_in_one_block_earn_nothing_more() public {
        (, bytes32 id) = running();
        report(id, 1, Usage(9, 9, 9, 9));
        vm.assertEq(earned(id, 1), 0);
        at(3);
        report(id, 1, full(9));
        report(id, 1, full(99));
        vm.assertEq(earned(id, 1), price(3));
    }

    function test_totals_never_fall() public {
        (, bytes32 id) = running();
        at(10);
        report(id, 1, full(10));
        Usage[4] memory lower = [full(10), full(10), full(10), full(10)];
        lower[0].cpuMs -= 1;
        lower[1].memoryMibS -= 1;
        lower[2].egressKib -= 1;
        lower[3].wallS -= 1;
        for (uint256 i = 0; i < 4; ++i) {
            refusesReport(provider, id, lower[i], abi.encodeWithSelector(IDRaaSEscrow.UsageFell.selector, id, 1));
        }
        report(id, 1, full(10));
    }

    function test_reports_never_release_more_than_the_deposit_and_end_the_job() public {
        JobTerms memory terms = someTerms();
        vm.prank(consumer);
        bytes32 id = escrow.postJob(terms, price(5));
        claim(terms, 1, provider);
        at(4);
        report(id, 1, full(4));
        assertState(id, JobState.Running);
        at(9);
        report(id, 1, full(9));
        vm.assertEq(earned(id, 1), price(5));
        assertState(id, JobState.Ended);
    }

    function test_only_the_runs_provider_reports() public {
        (, bytes32 id) = running();
        at(1);
        bytes memory why = abi.encodeWithSelector(IDRaaSEscrow.NotProvider.selector, rival);
        refusesReport(rival, id, full(1), why);
        refusesReport(rival, bytes32("nothing"), full(1), why);
    }

    function test_a_running_job_keeps_the_rates_it_was_claimed_at() public {
        (, bytes32 id) = running();
        vm.prank(provider);
        escrow.setRates(Rates(2000, 30, 7, 100));
        at(10);
        report(id, 1, full(10));
        vm.assertEq(earned(id, 1), price(10));
    }

    function test_one_bad_report_does_not_hold_up_the_others() public {
        (, bytes32 first) = running();
        (, bytes32 second) = running();
        at(10);
        UsageReport[] memory reports = new UsageReport[](3);
        reports[0] = reportOf(first, 2, full(10));
        reports[1] = reportOf(first, 1, full(10));
        reports[2] = reportOf(second, 1, full(9));
        vm.prank(provider);
        escrow.reportUsage(reports);
        vm.assertEq(earned(first, 1), price(10));
        vm.assertEq(earned(second, 1), price(9));
    }

    function test_a_batch_that_is_bad_throughout_or_empty_reverts() public {
        (, bytes32 id) = running();
        UsageReport[] memory reports = new UsageReport[](2);
        reports[0] = reportOf(id, 9, full(1));
        reports[1] = reportOf(id, 8, full(1));
        vm.expectRevert(abi.encodeWithSelector(IDRaaSEscrow.NotProvider.selector, provider));
        vm.prank(provider);
        escrow.reportUsage(reports);
        vm.expectRevert(abi.encodeWithSelector(IDRaaSEscrow.NothingToReport.selector));
        escrow.reportUsage(new UsageReport[](0));
    }

    function test_completing_reports_and_ends_the_run() public {
        (, bytes32 id) = running();
        at(10);
        complete(id, full(10));
        assertState(id, JobState.Ended);
        vm.assertEq(earned(id, 1), price(10));
        vm.assertEq(escrow.jobs(id).deadline, T0 + 10);
        vm.assertEq(escrow.refundableOf(id), DEPOSIT - price(10));
        refusesReport(provider, id, full(10), abi.encodeWithSelector(IDRaaSEscrow.RunSettled.selector, id, 1));
    }

    function test_completing_is_still_possible_in_the_grace_after_the_duration() public {
        (, bytes32 id) = running();
        at(600 + GRACE);
        assertState(id, JobState.Ended);
        complete(id, full(600 + GRACE));
        vm.assertEq(earned(id, 1), price(600));
    }

    function test_nothing_is_reported_after_the_grace() public {
        (, bytes32 id) = running();
        at(600 + GRACE + 1);
        bytes memory why = abi.encodeWithSelector(IDRaaSEscrow.ReportTooLate.selector, id, 1);
        refusesReport(provider, id, full(600), why);
        vm.expectRevert(why);
        vm.prank(provider);
        escrow.completeJob(reportOf(id, 1, full(600)), 0, "");
    }

    function test_a_closed_job_takes_no_report() public {
        JobTerms memory terms = someTerms();
        vm.prank(consumer);
        bytes32 id = escrow.postJob(terms, 1);
        claim(terms, 1, provider);
        at(1);
        report(id, 1, full(1));
        at(1 + 2 * WINDOW);
        withdraw(provider, id, 1);
        assertState(id, JobState.Closed);
        refusesReport(provider, id, full(2), wrongState(id, JobState.Closed));
    }

    function test_metrics_and_rates_at_their_limits_do_not_overflow() public {
        uint64 most = type(uint64).max;
        vm.prank(provider);
        escrow.setRates(Rates(most, most, most, most));
        JobTerms memory terms = someTerms();
        terms.maxRates = Rates(most, most, most, most);
        terms.resources.cpuMillis = type(uint32).max;
        terms.duration = 1_000_000_000;
        token.transfer(consumer, type(uint80).max);
        vm.prank(consumer);
        bytes32 id = escrow.postJob(terms, type(uint80).max);
        claim(terms, 1, provider);
        at(999_999_999);
        report(id, 1, Usage(most, most, most, most));
        vm.assertEq(escrow.runs(id, 1).usage.cpuMs, uint256(type(uint32).max) * 999_999_999);
        vm.assertEq(earned(id, 1), type(uint80).max);
    }

    function refusesReport(address who, bytes32 id, Usage memory usage, bytes memory why) private {
        UsageReport[] memory reports = new UsageReport[](1);
        reports[0] = reportOf(id, 1, usage);
        vm.expectRevert(why);
        vm.prank(who);
        escrow.reportUsage(reports);
    }
}
