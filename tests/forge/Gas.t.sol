// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IDRaaSEscrow} from "contracts/interfaces/IDRaaSEscrow.sol";
import {EscrowTest, JobTerms, Rates, Resources, RunRef, Usage, UsageReport} from "./EscrowTest.sol";

/// @dev What each step costs as a transaction of its own (hence `isolate`), as its receipt would say: the median over
/// seven jobs. Kept in `snapshots/gas.json`, with the calldata's part of it, which the floor needs
/// (`scripts/gas_table.py`); with FORGE_SNAPSHOT_CHECK=true another figure than there fails.
/// forge-config: default.isolate = true
contract GasTest is EscrowTest {
    uint256 private constant SAMPLES = 7;
    uint256 private constant PERMIT_KEY = 0xBEEF;
    bytes32 private constant IMAGE = keccak256("image");
    uint256 private constant COST = 5e18; // the deposit: five tokens of 18 decimals

    mapping(string step => uint256[]) private gasUsed;
    mapping(string step => uint256[]) private calldataGas;

    /// @dev Figures as they would be: a token of 18 decimals, random salts, a provider that has been paid before.
    function setUp() public override {
        super.setUp();
        token.transfer(consumer, 1e21);
        vm.prank(provider);
        escrow.register(100_000, rates());
        vm.prank(provider);
        escrow.setRates(
            Rates({cpuMs: 27_777_777_777, memoryMibS: 5_425_347_222, egressKib: 47_683_715, wallS: 13_888_888_888_888})
        );
    }

    function realTerms(address owner, uint256 number) private view returns (JobTerms memory) {
        return JobTerms({
            consumer: owner,
            scheduler: scheduler,
            watcher: vm.addr(0x3A7C),
            salt: keccak256(abi.encode(number)),
            resources: Resources({cpuMillis: 1500, memoryMib: 2048, egressKibS: 1024}),
            maxRates: Rates({
                cpuMs: 33_333_333_333, memoryMibS: 6_781_684_027, egressKib: 95_367_431, wallS: 27_777_777_777_777
            }),
            duration: 86_400,
            claimWithin: 900,
            cid: "bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi"
        });
    }

    /// @dev Most of what the reserve can use in so many seconds.
    function used(uint256 span) private pure returns (Usage memory) {
        return Usage(uint64(1391 * span), uint64(1789 * span), uint64(613 * span), uint64(span));
    }

    function test_gas_of_a_job_from_post_to_withdrawal() public {
        for (uint256 i = 0; i < SAMPLES; ++i) {
            vm.warp(T0 + i * 6000);
            runJob(realTerms(consumer, i));
        }
        string[10] memory steps = [
            "post",
            "claim",
            "report_first",
            "report",
            "report_next_window",
            "report_release",
            "complete",
            "refund",
            "withdraw",
            "cycle"
        ];
        for (uint256 i = 0; i < steps.length; ++i) {
            keep(steps[i]);
        }
    }

    function test_gas_of_a_post_with_permit() public {
        address owner = vm.addr(PERMIT_KEY);
        token.transfer(owner, 1e21);
        for (uint256 i = 0; i < SAMPLES; ++i) {
            JobTerms memory terms = realTerms(owner, i);
            uint256 deadline = block.timestamp + 600;
            (uint8 v, bytes32 r, bytes32 s) = permit(owner, token.nonces(owner), deadline);
            bytes memory call_ = abi.encodeCall(IDRaaSEscrow.postJobWithPermit, (terms, COST, deadline, v, r, s));
            measure("post_permit", owner, call_);
        }
        keep("post_permit");
    }

    function test_gas_of_a_cancel_while_open() public {
        for (uint256 i = 0; i < SAMPLES; ++i) {
            JobTerms memory terms = realTerms(consumer, i);
            vm.prank(consumer);
            escrow.postJob(terms, COST);
            measure("cancel_open", consumer, abi.encodeCall(IDRaaSEscrow.cancelJob, (termsHashOf(terms))));
        }
        keep("cancel_open");
    }

    function test_gas_of_ten_reports_together() public {
        UsageReport[] memory reports = new UsageReport[](10);
        for (uint256 i = 0; i < 10; ++i) {
            JobTerms memory terms = realTerms(consumer, i);
            vm.prank(consumer);
            bytes32 id = escrow.postJob(terms, COST);
            uint64 deadline = uint64(block.timestamp + 60);
            bytes memory signature = assigned(id, 1, provider, IMAGE, deadline);
            vm.prank(provider);
            escrow.claimJob(terms, IMAGE, deadline, signature);
            reports[i] = reportOf(id, 1, used(0));
        }
        for (uint256 i = 1; i <= SAMPLES; ++i) {
            at(2 * i);
            for (uint256 k = 0; k < 10; ++k) {
                reports[k].usage = used(2 * i);
            }
            measure("ten_reports", provider, abi.encodeCall(IDRaaSEscrow.reportUsage, (reports)));
        }
        keep("ten_reports");
    }

    function runJob(JobTerms memory terms) private {
        uint256 start = block.timestamp;
        bytes32 id = escrow.jobIdOf(terms);
        uint256 cycle = measure("post", consumer, abi.encodeCall(IDRaaSEscrow.postJob, (terms, COST)));
        uint64 deadline = uint64(start + 60);
        bytes memory signature = assigned(id, 1, provider, IMAGE, deadline);
        bytes memory claim_ = abi.encodeCall(IDRaaSEscrow.claimJob, (terms, IMAGE, deadline, signature));
        cycle += measure("claim", provider, claim_);
        cycle += measureReport("report_first", id, start, 10);
        measureReport("report", id, start, 20);
        measureReport("report_next_window", id, start, 70);
        measureReport("report_release", id, start, 130);
        vm.warp(start + 140);
        UsageReport memory last = reportOf(id, 1, used(140));
        cycle += measure("complete", provider, abi.encodeCall(IDRaaSEscrow.completeJob, (last, 0, terms.cid)));
        measure("refund", stranger, abi.encodeCall(IDRaaSEscrow.refund, (consumer, termsHashOf(terms), provider)));
        vm.warp(start + 300);
        withdrawCredit(provider); // so that each job's release has a new slot to pay for, and its withdrawal none
        RunRef[] memory refs = refOf(id, 1);
        cycle += measure("withdraw", provider, abi.encodeCall(IDRaaSEscrow.withdraw, (refs)));
        gasUsed["cycle"].push(cycle);
    }

    function measureReport(string memory step, bytes32 id, uint256 start, uint256 span) private returns (uint256) {
        vm.warp(start + span);
        UsageReport[] memory reports = new UsageReport[](1);
        reports[0] = reportOf(id, 1, used(span));
        return measure(step, provider, abi.encodeCall(IDRaaSEscrow.reportUsage, (reports)));
    }

    function measure(string memory step, address who, bytes memory data) private returns (uint256 gas) {
        vm.prank(who);
        (bool success,) = address(escrow).call(data);
        gas = vm.lastCallGas().gasTotalUsed;
        vm.assertTrue(success, step);
        gasUsed[step].push(gas);
        uint256 calldata_ = 0;
        for (uint256 i = 0; i < data.length; ++i) {
            calldata_ += data[i] == 0 ? 4 : 16; // EIP-2028
        }
        calldataGas[step].push(calldata_);
    }

    function keep(string memory step) private {
        vm.snapshotValue("gas", step, median(gasUsed[step]));
        if (calldataGas[step].length == 0) return;
        vm.snapshotValue("gas", string.concat(step, ".calldata"), median(calldataGas[step]));
    }

    function median(uint256[] storage values) private returns (uint256) {
        for (uint256 i = 1; i < values.length; ++i) {
            for (uint256 k = i; k > 0 && values[k] < values[k - 1]; --k) {
                (values[k], values[k - 1]) = (values[k - 1], values[k]);
            }
        }
        return values[values.length / 2];
    }

    function permit(address owner, uint256 nonce, uint256 deadline) private view returns (uint8, bytes32, bytes32) {
        bytes32 kind = keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)");
        bytes32 message = keccak256(abi.encode(kind, owner, address(escrow), COST, nonce, deadline));
        return vm.sign(PERMIT_KEY, keccak256(abi.encodePacked("\x19\x01", token.DOMAIN_SEPARATOR(), message)));
    }
}
