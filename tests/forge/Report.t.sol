// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {EscrowTest, IEscrowEvents, JobState, JobTerms, Rates, Run, Usage, UsageReport} from "./EscrowTest.sol";

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
        vm.expectEmit();
        emit IEscrowEvents.UsageReported(id, provider, 1, full(span), price(span));
        report(id, 1, Usage(lie, lie, lie, lie));
        vm.assertEq(earned(id, 1), price(span));
    }

    function test_each_metric_is_capped_by_itself() public {
        Usage[4] memory lies = [Usage(9e9, 0, 0, 0), Usage(0, 9e9, 0, 0), Usage(0, 0, 9e9, 0), Usage(0, 0, 0, 9e9)];
        uint256[4] memory most = [uint256(10 * 1000 * 1000), 10 * 512 * 20, 10 * 64 * 5, 10 * 50];
        for (uint256 i = 0; i < 4; ++i) {
            vm.warp(T0);
            (, bytes32 id) = running();
            at(10);
            report(id, 1, lies[i]);
            vm.assertEq(earned(id, 1), most[i]);
        }
    }

    function test_a_job_without_network_pays_no_egress() public {
        JobTerms memory terms = someTerms();
        terms.resources.egressKibS = 0;
        vm.prank(consumer);
        bytes32 id = escrow.postJob(terms, DEPOSIT);
        claim(terms, 1, provider);
        at(10);
        report(id, 1, Usage(0, 0, 1e6, 0));
        vm.assertEq(earned(id, 1), 0);
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

    function test_splitting_a_report_never_pays_more(uint256 seed) public {
        (, bytes32 once) = running();
        (, bytes32 often) = running();
        uint256 second = 0;
        for (uint256 i = 0; i < 8; ++i) {
            second += 1 + uint256(keccak256(abi.encode(seed, i))) % 25;
            at(second);
            report(often, 1, full(second));
        }
        report(once, 1, full(second));
        vm.assertEq(earned(often, 1), earned(once, 1));
    }

    function test_what_reports_are_worth_never_falls() public {
        (, bytes32 id) = running();
        at(10);
        report(id, 1, full(10));
        Usage[4] memory lower = [full(10), full(10), full(10), full(10)];
        lower[0].cpuMs -= 1;
        lower[1].memoryMibS -= 1;
        lower[2].egressKib -= 1;
        lower[3].wallS -= 1;
        for (uint256 i = 0; i < 4; ++i) {
            refusesReport(provider, id, lower[i], refusal(IEscrowEvents.UsageFell.selector, id));
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
        vm.assertEq(escrow.jobs(id).deadline, T0 + 9);
    }

    function test_a_top_up_carries_a_run_on() public {
        JobTerms memory terms = someTerms();
        vm.prank(consumer);
        bytes32 id = escrow.postJob(terms, price(5));
        claim(terms, 1, provider);
        vm.prank(stranger);
        escrow.topUp(id, price(5));
        at(9);
        report(id, 1, full(9));
        vm.assertEq(earned(id, 1), price(9));
        assertState(id, JobState.Running);
    }

    function test_only_the_runs_provider_reports() public {
        (, bytes32 id) = running();
        at(1);
        refusesReport(rival, id, full(1), refusal(IEscrowEvents.NoSuchRun.selector, id));
        bytes32 nothing = bytes32("nothing");
        refusesReport(provider, nothing, full(1), refusal(IEscrowEvents.NoSuchRun.selector, nothing));
    }

    function test_a_running_job_keeps_the_rates_it_was_claimed_at() public {
        (, bytes32 id) = running();
        vm.prank(provider);
        escrow.setRates(Rates(2000, 30, 7, 100));
        (, bytes32 dearer) = running();
        at(10);
        UsageReport[] memory reports = new UsageReport[](3);
        reports[0] = reportOf(id, 1, full(10));
        reports[1] = reportOf(dearer, 1, full(10));
        reports[2] = reports[0];
        vm.prank(provider);
        escrow.reportUsage(reports);
        vm.assertEq(earned(id, 1), price(10));
        vm.assertEq(earned(dearer, 1), 10 * (1000 * 2000 + 512 * 30 + 64 * 7 + 100));
    }

    function test_completing_reports_and_ends_the_run() public {
        (JobTerms memory terms, bytes32 id) = running();
        at(10);
        vm.expectEmit();
        emit IEscrowEvents.JobCompleted(id, provider, 1, 3, terms.cid);
        vm.prank(provider);
        escrow.completeJob(reportOf(id, 1, full(10)), 3, terms.cid);
        assertState(id, JobState.Ended);
        vm.assertEq(earned(id, 1), price(10));
        vm.assertEq(escrow.jobs(id).deadline, T0 + 10);
        vm.assertEq(escrow.refundableOf(id, address(0)), DEPOSIT - price(10));
        refusesReport(provider, id, full(10), refusal(IEscrowEvents.RunNotLive.selector, id));
    }

    function test_nobody_completes_anothers_run() public {
        (, bytes32 id) = running();
        at(10);
        vm.expectRevert(refusal(IEscrowEvents.NoSuchRun.selector, id));
        vm.prank(rival);
        escrow.completeJob(reportOf(id, 1, full(10)), 0, "");
    }

    function test_completing_is_still_possible_in_the_last_second_of_the_grace() public {
        (, bytes32 id) = running();
        at(600 + GRACE);
        assertState(id, JobState.Ended);
        complete(id, full(600 + GRACE));
        vm.assertEq(earned(id, 1), price(600));
    }

    function test_nothing_is_reported_after_the_grace() public {
        (, bytes32 id) = running();
        at(600 + GRACE + 1);
        bytes memory why = refusal(IEscrowEvents.ReportTooLate.selector, id);
        refusesReport(provider, id, full(600), why);
        vm.expectRevert(why);
        vm.prank(provider);
        escrow.completeJob(reportOf(id, 1, full(600)), 0, "");
    }

    function test_a_job_of_one_unit_ends_with_its_first_paid_second() public {
        JobTerms memory terms = someTerms();
        vm.prank(consumer);
        bytes32 id = escrow.postJob(terms, 1);
        claim(terms, 1, provider);
        at(1);
        report(id, 1, full(1));
        vm.assertEq(earned(id, 1), 1);
        assertState(id, JobState.Ended);
        complete(id, full(1));
        at(1 + 2 * WINDOW + GRACE);
        assertState(id, JobState.Closed);
        refusesReport(provider, id, full(2), refusal(IEscrowEvents.RunNotLive.selector, id));
    }

    function test_a_report_of_nothing_still_says_that_the_agent_lives() public {
        (, bytes32 id) = running();
        at(20);
        report(id, 1, Usage(0, 0, 0, 0));
        Run memory run = escrow.runs(id, 1, provider);
        vm.assertEq(run.earned, 0);
        vm.assertEq(run.reportedAt, T0 + 20);
    }

    function refusal(bytes4 why, bytes32 id) private pure returns (bytes memory) {
        return abi.encodeWithSelector(why, id, 1);
    }

    function refusesReport(address who, bytes32 id, Usage memory usage, bytes memory why) private {
        UsageReport[] memory reports = new UsageReport[](1);
        reports[0] = reportOf(id, 1, usage);
        vm.expectRevert(why);
        vm.prank(who);
        escrow.reportUsage(reports);
    }
}
