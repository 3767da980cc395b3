// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Assignment, EscrowTest, JobTerms, RunRef, UsageReport, Vm} from "./EscrowTest.sol";

/// @dev What each step costs as a transaction of its own: every address and slot cold, base fee and calldata counted.
/// `forge test --match-contract GasTest -vv` prints the table.
contract GasTest is EscrowTest {
    uint256 private constant BASE = 21_000;

    event Gas(string step, uint256 gas);

    function test_gas_of_every_step() public {
        JobTerms memory terms = someTerms();
        cold();
        vm.prank(consumer);
        bytes32 id = escrow.postJob(terms, DEPOSIT);
        note("post", abi.encodeCall(escrow.postJob, (terms, DEPOSIT)));
        Assignment memory a = assignmentOf(terms, 1, provider);
        bytes memory signature = signed(a, SCHEDULER_KEY);
        cold();
        vm.prank(provider);
        escrow.claimJob(terms, a, signature);
        note("claim", abi.encodeCall(escrow.claimJob, (terms, a, signature)));
        noteReports(id);
        noteEnd(terms, id);
    }

    function test_gas_of_a_cancel_while_open() public {
        (JobTerms memory terms,) = posted();
        cold();
        vm.prank(consumer);
        escrow.cancelJob(terms);
        note("cancel_open", abi.encodeCall(escrow.cancelJob, (terms)));
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
        cold();
        vm.prank(provider);
        escrow.reportUsage(reports);
        note("ten reports, together", abi.encodeCall(escrow.reportUsage, (reports)));
    }

    function noteReports(bytes32 id) private {
        UsageReport[] memory reports = new UsageReport[](1);
        string[3] memory names = ["report, first", "report, same window", "report, next window"];
        uint256[3] memory seconds_ = [uint256(10), 20, 70];
        for (uint256 i = 0; i < 3; ++i) {
            at(seconds_[i]);
            reports[0] = reportOf(id, 1, full(seconds_[i]));
            cold();
            vm.prank(provider);
            escrow.reportUsage(reports);
            note(names[i], abi.encodeCall(escrow.reportUsage, (reports)));
        }
    }

    function noteEnd(JobTerms memory terms, bytes32 id) private {
        UsageReport memory last = reportOf(id, 1, full(80));
        at(80);
        cold();
        vm.prank(provider);
        escrow.completeJob(last, 0, terms.cid);
        note("complete", abi.encodeCall(escrow.completeJob, (last, 0, terms.cid)));
        cold();
        escrow.refund(terms);
        note("refund", abi.encodeCall(escrow.refund, (terms)));
        at(300);
        RunRef[] memory refs = refOf(id, 1);
        cold();
        vm.prank(provider);
        escrow.withdraw(refs);
        note("withdraw", abi.encodeCall(escrow.withdraw, (refs)));
    }

    /// @dev A transaction finds nothing warm.
    function cold() private {
        vm.cool(address(escrow));
        vm.cool(address(token));
    }

    function note(string memory step, bytes memory data) private {
        Vm.Gas memory call = vm.lastCallGas();
        uint256 gas = BASE + call.gasTotalUsed;
        for (uint256 i = 0; i < data.length; ++i) {
            gas += data[i] == 0 ? 4 : 16;
        }
        uint256 refund = call.gasRefunded > 0 ? uint64(call.gasRefunded) : 0;
        emit Gas(step, gas - (refund < gas / 5 ? refund : gas / 5));
    }
}
