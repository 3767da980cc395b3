// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {EscrowTest, JobTerms, RunRef, UsageReport} from "./EscrowTest.sol";

/// forge-config: default.isolate = true
contract GasTest is EscrowTest {
    event Gas(string step, uint256 gas, int256 refunded);

    function test_gas_of_every_step() public {
        JobTerms memory terms = someTerms();
        vm.prank(consumer);
        bytes32 id = escrow.postJob(terms, DEPOSIT);
        note("post");
        uint64 deadline = uint64(block.timestamp + 60);
        bytes memory signature = assigned(id, 1, provider, deadline);
        vm.prank(provider);
        escrow.claimJob(terms, bytes32("image"), deadline, signature);
        note("claim");
        string[5] memory names =
            ["report, first", "report, same window", "report, next window", "report, 3rd w", "report 3rd same"];
        uint256[5] memory seconds_ = [uint256(10), 20, 70, 130, 140];
        UsageReport[] memory reports = new UsageReport[](1);
        for (uint256 i = 0; i < 5; ++i) {
            at(seconds_[i]);
            reports[0] = reportOf(id, 1, full(seconds_[i]));
            vm.prank(provider);
            escrow.reportUsage(reports);
            note(names[i]);
        }
        UsageReport memory last = reportOf(id, 1, full(150));
        at(150);
        vm.prank(provider);
        escrow.completeJob(last, 0, terms.cid);
        note("complete");
        escrow.refund(consumer, termsHashOf(terms), provider);
        note("refund");
        at(400);
        RunRef[] memory refs = refOf(id, 1);
        vm.prank(provider);
        escrow.withdraw(refs);
        note("withdraw");
    }

    function test_gas_of_simple_withdraw() public {
        (JobTerms memory terms, bytes32 id) = running();
        at(10);
        UsageReport memory last = reportOf(id, 1, full(10));
        vm.prank(provider);
        escrow.completeJob(last, 0, terms.cid);
        note("complete");
        at(400);
        RunRef[] memory refs = refOf(id, 1);
        vm.prank(provider);
        escrow.withdraw(refs);
        note("withdraw simple");
    }

    function test_gas_of_a_cancel_while_open() public {
        (JobTerms memory terms,) = posted();
        bytes32 h = termsHashOf(terms);
        vm.prank(consumer);
        escrow.cancelJob(h);
        note("cancel_open");
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
        note("ten reports, together");
    }

    function note(string memory step) private {
        emit Gas(step, vm.lastCallGas().gasTotalUsed, vm.lastCallGas().gasRefunded);
    }
}
