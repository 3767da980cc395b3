// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {EscrowTest, IEscrowEvents, JobState, JobTerms, Rates, SignedReport, UsageReport} from "./EscrowTest.sol";
import {HostileWallet} from "./HostileWallet.sol";
import {Vm} from "./Vm.sol";

contract BatchTest is EscrowTest {
    bytes32[5] private ids;

    function test_one_bad_report_does_not_hold_up_the_others() public {
        (, bytes32 first) = running();
        (, bytes32 second) = running();
        at(10);
        UsageReport[] memory reports = new UsageReport[](3);
        reports[0] = reportOf(first, 2, full(10));
        reports[1] = reportOf(first, 1, full(10));
        reports[2] = reportOf(second, 1, full(9));
        vm.expectEmit();
        emit IEscrowEvents.ReportSkipped(first, 2, IEscrowEvents.NoSuchRun.selector);
        vm.prank(provider);
        escrow.reportUsage(reports);
        vm.assertEq(earned(first, 1), price(10));
        vm.assertEq(earned(second, 1), price(9));
    }

    function test_every_kind_of_bad_report_is_told_with_its_reason_and_skipped() public {
        for (uint256 i = 0; i < 4; ++i) {
            (, ids[i]) = running();
        }
        at(5);
        complete(ids[0], full(5));
        report(ids[1], 1, full(5));
        at(25);
        bytes32 late = endedLongAgo();
        UsageReport[] memory reports = new UsageReport[](5);
        reports[0] = reportOf(ids[0], 1, full(6));
        reports[1] = reportOf(ids[1], 1, full(4));
        reports[2] = reportOf(late, 1, full(4));
        reports[3] = reportOf(ids[3], 7, full(4));
        reports[4] = reportOf(ids[2], 1, full(9));
        vm.recordLogs();
        vm.prank(provider);
        escrow.reportUsage(reports);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        vm.assertEq(logs.length, 5);
        assertSkipped(logs[0], ids[0], 1, IEscrowEvents.RunNotLive.selector);
        assertSkipped(logs[1], ids[1], 1, IEscrowEvents.UsageFell.selector);
        assertSkipped(logs[2], late, 1, IEscrowEvents.ReportTooLate.selector);
        assertSkipped(logs[3], ids[3], 7, IEscrowEvents.NoSuchRun.selector);
        vm.assertEq(earned(ids[2], 1), price(9));
    }

    function test_a_batch_that_is_bad_throughout_or_empty_reverts() public {
        (, bytes32 id) = running();
        UsageReport[] memory reports = new UsageReport[](2);
        reports[0] = reportOf(id, 9, full(1));
        reports[1] = reportOf(id, 8, full(1));
        vm.expectRevert(abi.encodeWithSelector(IEscrowEvents.NoSuchRun.selector, id, 9));
        vm.prank(provider);
        escrow.reportUsage(reports);
        vm.expectRevert(abi.encodeWithSelector(IEscrowEvents.NothingToReport.selector));
        escrow.reportUsage(new UsageReport[](0));
        vm.expectRevert(abi.encodeWithSelector(IEscrowEvents.NothingToReport.selector));
        escrow.relayReports(new SignedReport[](0));
    }

    function test_a_batch_does_what_its_good_items_do_one_by_one(uint256 seed) public {
        fiveRuns();
        UsageReport[] memory earlier = someReports(seed, 40);
        UsageReport[] memory later = someReports(~seed, 130);
        uint256 start = vm.snapshotState();
        at(40);
        tryBatch(earlier);
        at(130);
        tryBatch(later);
        bytes32 together = books();
        vm.revertToState(start);
        at(40);
        oneByOne(earlier);
        at(130);
        oneByOne(later);
        vm.assertEq(books(), together);
    }

    function test_two_hundred_reports_go_in_one_transaction() public {
        vm.prank(provider);
        escrow.register(200 * UNITS, rates());
        UsageReport[] memory reports = new UsageReport[](200);
        for (uint256 i = 0; i < 200; ++i) {
            (, bytes32 id) = running();
            reports[i] = reportOf(id, i == 77 ? 2 : 1, full(9));
        }
        at(10);
        vm.prank(provider);
        escrow.reportUsage{gas: 15_000_000}(reports);
        vm.assertEq(earned(reports[199].jobId, 1), price(9));
        vm.assertEq(earned(reports[77].jobId, 1), 0);
    }

    function test_a_bad_signature_holds_up_no_other_relayed_report() public {
        fiveRuns();
        at(10);
        SignedReport[] memory reports = new SignedReport[](5);
        for (uint256 i = 0; i < 5; ++i) {
            UsageReport memory r = reportOf(ids[i], 1, full(10));
            reports[i] = SignedReport(provider, r, uint64(T0 + 10), signedReport(PROVIDER_KEY, r, uint64(T0 + 10)));
        }
        reports[0].signature = "";
        reports[2].deadline = uint64(T0 + 9);
        reports[4] = reports[3];
        vm.expectEmit();
        emit IEscrowEvents.ReportSkipped(ids[0], 1, IEscrowEvents.ReportNotSigned.selector);
        vm.expectEmit();
        emit IEscrowEvents.UsageReported(ids[1], provider, 1, full(10), price(10));
        vm.expectEmit();
        emit IEscrowEvents.ReportSkipped(ids[2], 1, IEscrowEvents.ReportExpired.selector);
        vm.expectEmit();
        emit IEscrowEvents.UsageReported(ids[3], provider, 1, full(10), 10 * (1000 * 1500 + 512 * 25 + 64 * 6 + 70));
        vm.expectEmit();
        emit IEscrowEvents.ReportSkipped(ids[3], 1, IEscrowEvents.NothingNew.selector);
        vm.prank(stranger);
        escrow.relayReports(reports);
    }

    function test_reports_of_two_providers_are_relayed_together() public {
        (JobTerms memory terms, bytes32 mine) = posted();
        address other = vm.addr(0xB2);
        token.transfer(other, 1e15);
        vm.prank(other);
        token.approve(address(escrow), 1e15);
        register(other);
        claim(terms, 1, other);
        (, bytes32 yours) = running();
        at(10);
        SignedReport[] memory reports = new SignedReport[](2);
        UsageReport memory r = reportOf(mine, 1, full(10));
        reports[0] = SignedReport(other, r, uint64(T0 + 10), signedReport(0xB2, r, uint64(T0 + 10)));
        r = reportOf(yours, 1, full(10));
        reports[1] = SignedReport(provider, r, uint64(T0 + 10), signedReport(PROVIDER_KEY, r, uint64(T0 + 10)));
        escrow.relayReports(reports);
        vm.assertEq(escrow.runs(mine, 1, other).earned, price(10));
        vm.assertEq(earned(yours, 1), price(10));
    }

    function test_a_wallet_that_burns_gas_holds_up_no_other_relayed_report() public {
        poisonedBatch(HostileWallet.Mood.Burns, 1_000_000);
    }

    function test_a_wallet_that_answers_a_megabyte_holds_up_no_other_relayed_report() public {
        poisonedBatch(HostileWallet.Mood.Bomb, 1_000_000);
    }

    function poisonedBatch(HostileWallet.Mood mood, uint256 gas) private {
        (, bytes32 id) = running();
        at(10);
        UsageReport memory r = reportOf(id, 1, full(10));
        SignedReport[] memory reports = new SignedReport[](2);
        reports[0] = SignedReport(address(new HostileWallet(mood)), r, uint64(T0 + 10), "");
        reports[1] = SignedReport(provider, r, uint64(T0 + 10), signedReport(PROVIDER_KEY, r, uint64(T0 + 10)));
        escrow.relayReports{gas: gas}(reports);
        vm.assertEq(earned(id, 1), price(10));
    }

    // ---- Builders -------------------------------------------------------------------------------------------

    /// @dev Five live runs at two rate cards, of which the last has a deposit that is soon used up.
    function fiveRuns() private {
        for (uint256 i = 0; i < 5; ++i) {
            JobTerms memory terms = someTerms();
            vm.prank(consumer);
            ids[i] = escrow.postJob(terms, i == 4 ? price(20) : DEPOSIT);
            claim(terms, 1, provider);
            if (i != 2) continue;
            vm.prank(provider);
            escrow.setRates(Rates(1500, 25, 6, 70));
        }
    }

    function someReports(uint256 seed, uint256 most) private view returns (UsageReport[] memory reports) {
        reports = new UsageReport[](8);
        for (uint256 i = 0; i < 8; ++i) {
            uint256 dice = uint256(keccak256(abi.encode(seed, i)));
            reports[i] = reportOf(ids[dice % 5], dice & 768 == 0 ? 2 : 1, full((dice >> 16) % (most + 20)));
        }
    }

    function tryBatch(UsageReport[] memory reports) private {
        vm.prank(provider);
        try escrow.reportUsage(reports) {} catch {}
    }

    function oneByOne(UsageReport[] memory reports) private {
        UsageReport[] memory one = new UsageReport[](1);
        for (uint256 i = 0; i < reports.length; ++i) {
            one[0] = reports[i];
            tryBatch(one);
        }
    }

    /// @dev All that reports can change.
    function books() private view returns (bytes32 all) {
        all = keccak256(abi.encode(escrow.creditOf(provider), escrow.providers(provider)));
        for (uint256 i = 0; i < 5; ++i) {
            all = keccak256(abi.encode(all, escrow.runs(ids[i], 1, provider), escrow.jobs(ids[i])));
        }
    }

    function endedLongAgo() private returns (bytes32 id) {
        JobTerms memory terms = someTerms();
        terms.duration = 1;
        vm.warp(block.timestamp - 22);
        vm.prank(consumer);
        id = escrow.postJob(terms, DEPOSIT);
        claim(terms, 1, provider);
        vm.warp(block.timestamp + 22);
        assertState(id, JobState.Ended);
    }

    function assertSkipped(Vm.Log memory log, bytes32 id, uint8 attempt, bytes4 why) private pure {
        vm.assertEq(log.topics[0], IEscrowEvents.ReportSkipped.selector);
        vm.assertEq(log.topics[1], id);
        vm.assertEq(keccak256(log.data), keccak256(abi.encode(attempt, why)));
    }
}
