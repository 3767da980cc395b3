// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Assignment, EscrowTest, JobTerms, RunRef, UsageReport} from "./EscrowTest.sol";

/// @dev What each step costs as a transaction of its own (hence `isolate`), and that it costs no more tomorrow.
/// `forge test --match-contract GasTest -vvvv` shows the figures as events.
/// forge-config: default.isolate = true
contract GasTest is EscrowTest {
    event Gas(string step, uint256 gas);

    function test_gas_of_every_step() public {
        JobTerms memory terms = someTerms();
        vm.prank(consumer);
        bytes32 id = escrow.postJob(terms, DEPOSIT);
        note("post", 84_000);
        Assignment memory a = assignmentOf(terms, 1, provider);
        bytes memory signature = signed(a, SCHEDULER_KEY);
        vm.prank(provider);
        escrow.claimJob(terms, a, signature);
        note("claim", 80_000);
        noteReports(id);
        noteEnd(terms, id);
    }

    function test_gas_of_a_cancel_while_open() public {
        (JobTerms memory terms,) = posted();
        vm.prank(consumer);
        escrow.cancelJob(terms);
        note("cancel_open", 59_000);
    }

    function test_gas_of_each_report_of_ten() public {
        UsageReport[] memory reports = new UsageReport[](10);
        for (uint256 i = 0; i < 10; ++i) {
            (, bytes32 id) = running();
            report(id, 1, full(0));
            reports[i] = reportOf(id, 1, full(9));
        }
        at(5);
        vm.prank(provider);
        escrow.reportUsage(reports);
        at(10);
        vm.prank(provider);
        escrow.reportUsage(reports);
        note("ten reports, together", 285_000);
    }

    function noteReports(bytes32 id) private {
        UsageReport[] memory reports = new UsageReport[](1);
        string[3] memory names = ["report, first", "report, same window", "report, next window"];
        uint256[3] memory seconds_ = [uint256(10), 20, 70];
        uint256[3] memory limits = [uint256(68_000), 51_000, 74_000];
        for (uint256 i = 0; i < 3; ++i) {
            at(seconds_[i]);
            reports[0] = reportOf(id, 1, full(seconds_[i]));
            vm.prank(provider);
            escrow.reportUsage(reports);
            note(names[i], limits[i]);
        }
    }

    function noteEnd(JobTerms memory terms, bytes32 id) private {
        UsageReport memory last = reportOf(id, 1, full(80));
        at(80);
        vm.prank(provider);
        escrow.completeJob(last, 0, terms.cid);
        note("complete", 61_000);
        escrow.refund(terms);
        note("refund", 66_000);
        at(300);
        RunRef[] memory refs = refOf(id, 1);
        vm.prank(provider);
        escrow.withdraw(refs);
        note("withdraw", 65_000);
    }

    function note(string memory step, uint256 most) private {
        uint256 gas = vm.lastCallGas().gasTotalUsed;
        emit Gas(step, gas);
        vm.assertLe(gas, most, step);
    }
}
