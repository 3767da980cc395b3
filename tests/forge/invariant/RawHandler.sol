// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Job, JobTerms, Run, RunRef, RunState, SignedReport, Usage, UsageReport} from "../EscrowTest.sol";
import {Cast} from "./Cast.sol";

/// @dev Calls that nobody has looked at first: any person, any function, arguments that may or may not fit. Whether
/// they go through is the escrow's business. All jobs are of a few terms known beforehand, and all that is owed can be
/// counted with the escrow's own views.
contract RawHandler is Cast {
    uint256 public constant JOBS = 8;
    JobTerms[JOBS] private _terms;
    bytes32[JOBS] private _ids;
    uint256 private _disputes;
    mapping(bytes4 selector => uint256) public through;

    function setUp() public override {
        super.setUp();
        for (uint256 i = 0; i < JOBS; ++i) {
            JobTerms memory terms = someTerms();
            terms.consumer = i % 2 == 0 ? consumer : both;
            if (i != 1) terms.scheduler = address(0);
            terms.claimWithin = type(uint16).max;
            terms.duration = 120;
            _terms[i] = terms;
            _ids[i] = escrow.jobIdOf(terms);
        }
    }

    function market() external view returns (address, address[] memory people) {
        people = new address[](PEOPLE);
        for (uint256 k = 0; k < PEOPLE; ++k) {
            people[k] = person(k);
        }
        return (address(escrow), people);
    }

    // ---- Calls ----------------------------------------------------------------------------------------------

    function job(uint256 seed, uint256 amount) external {
        uint256 i = seed % JOBS;
        JobTerms memory terms = _terms[i];
        bytes32 hash = termsHashOf(terms);
        uint256 kind = (seed >> 8) % 9;
        address who = (seed >> 16) % 3 == 0 ? person(seed >> 24) : terms.consumer;
        if (kind < 2) send(who, abi.encodeCall(escrow.postJob, (terms, amount % 1e9)), 0);
        if (kind == 2) send(who, abi.encodeCall(escrow.topUp, (_ids[i], amount % 1e8)), 0);
        if (kind == 3) send(who, abi.encodeCall(escrow.cancelJob, (hash)), 0);
        if (kind == 4) send(scheduler, abi.encodeCall(escrow.declineJob, (terms, "")), 0);
        if (kind == 5 || kind == 8) {
            send(who, abi.encodeCall(escrow.refund, (terms.consumer, hash, holder(i, amount))), 0);
        }
        if (kind == 6) send(who, abi.encodeCall(escrow.lapseJob, (terms, holder(i, amount))), 0);
        if (kind == 7) {
            bytes memory signature = signedCancel(keyOf(person(seed >> 24)), _ids[i], type(uint64).max);
            send(who, abi.encodeCall(escrow.cancelJobBySignature, (terms.consumer, hash, ~uint64(0), signature)), 0);
        }
    }

    function run(uint256 seed, uint256 amount) external {
        uint256 i = seed % JOBS;
        uint256 kind = (seed >> 16) % 8;
        address who = kind < 2 ? runnerAt(seed >> 8) : holder(i, seed >> 8);
        uint8 attempt = attemptOf(i, seed >> 24);
        UsageReport memory report = reportOf(_ids[i], attempt, usageFrom(amount));
        UsageReport[] memory two = new UsageReport[](2);
        (two[0], two[1]) = (report, reportOf(_ids[(i + 1) % JOBS], attemptOf((i + 1) % JOBS, 0), full(amount % 90)));
        if (kind < 2) {
            bytes memory leave = assigned(_ids[i], attempt, who, ~uint64(0));
            send(who, abi.encodeCall(escrow.claimJob, (_terms[i], "image", ~uint64(0), leave)), 0);
        }
        if (kind == 2 || kind == 3) send(who, abi.encodeCall(escrow.reportUsage, (two)), 0);
        if (kind == 4) send(who, abi.encodeCall(escrow.completeJob, (report, 1, "")), 0);
        bytes memory own = signedReport(keyOf(who), report, ~uint64(0));
        SignedReport memory signed = SignedReport(who, report, ~uint64(0), own);
        if (kind == 5) {
            SignedReport[] memory one = new SignedReport[](1);
            one[0] = signed;
            send(relayer, abi.encodeCall(escrow.relayReports, (one)), 0);
        }
        if (kind == 6) {
            address payer = _terms[i].consumer;
            bytes memory agreed = signedReport(keyOf(payer), report, ~uint64(0));
            bytes32 hash = termsHashOf(_terms[i]);
            send(relayer, abi.encodeCall(escrow.reportFinal, (signed, payer, hash, agreed)), 0);
        }
        if (kind == 7) sendWithdraw(seed, i, attempt);
    }

    function bond(uint256 seed, uint256 amount) external {
        address who = (seed >> 32) % 4 == 0 ? person(seed) : runnerAt(seed);
        uint256 kind = (seed >> 16) % 4;
        if (kind == 0) send(who, abi.encodeCall(escrow.register, (uint32(amount) % (3 * UNITS), rates())), 0);
        if (kind == 1) send(who, abi.encodeCall(escrow.setRates, (rates())), 0);
        if (kind == 2 && amount % 4 == 0) send(who, abi.encodeCall(escrow.startUnbond, ()), 0);
        if (kind == 3) send(who, abi.encodeCall(escrow.withdrawBond, ()), 0);
    }

    function court(uint256 seed, uint256 ruling) external {
        uint256 i = seed % JOBS;
        uint256 kind = (seed >> 16) % 5;
        address who = (seed >> 48) % 2 == 0 ? person(seed >> 24) : _terms[i].consumer;
        uint256 id = _disputes == 0 ? 0 : _disputes - 1 - (seed >> 8) % (_disputes < 3 ? _disputes : 3);
        address of_ = holder(i, seed >> 32);
        if (kind < 2) {
            uint8 attempt = attemptOf(i, seed >> 40);
            if (send(who, abi.encodeCall(escrow.dispute, (_terms[i], attempt, of_, "")), FEE)) ++_disputes;
        }
        if (kind == 2) send(who, abi.encodeCall(escrow.ruleByDefault, (id)), 0);
        if (kind == 3) send(address(arbitrator), abi.encodeCall(escrow.rule, (id, ruling % 11_000)), 0);
        if (kind == 4) send(who, abi.encodeCall(escrow.rule, (id, ruling % 11_000)), 0);
    }

    function donate(uint256 amount) external {
        vm.prank(donor);
        token.transfer(address(escrow), amount % 1e6);
        donated += amount % 1e6;
    }

    function pass(uint256 span) external {
        vm.warp(block.timestamp + (span % 16 == 0 ? span % 700 : span % 30));
    }

    // ---- Laws -----------------------------------------------------------------------------------------------

    /// @dev [1][6][10][12][19] from the views alone.
    function checkLaws() external view {
        uint256 owed = escrow.burned();
        uint256[PROVIDERS] memory reserved;
        for (uint256 i = 0; i < JOBS; ++i) {
            owed += checkJob(i, reserved);
        }
        for (uint256 id = 0; id < _disputes; ++id) {
            if (escrow.disputes(id).open) owed += DISPUTE_BOND;
        }
        for (uint256 k = 0; k < PEOPLE; ++k) {
            owed += escrow.creditOf(person(k)) + recordOf(person(k)).bonded * BOND_PER_UNIT;
        }
        for (uint256 k = 0; k < PROVIDERS; ++k) {
            vm.assertEq(recordOf(runnerAt(k)).reserved, reserved[k], "[19] reserved is what live runs hold");
        }
        vm.assertEq(token.balanceOf(address(escrow)) - donated, owed, "[1] the balance is exactly what is owed");
    }

    function checkJob(uint256 i, uint256[PROVIDERS] memory reserved) private view returns (uint256 owed) {
        Job memory j = escrow.jobs(_ids[i]);
        owed = j.deposit;
        uint256 live = 0;
        for (uint8 attempt = 1; attempt <= j.attempt; ++attempt) {
            uint256 runs = 0;
            for (uint256 k = 0; k < PROVIDERS; ++k) {
                Run memory r = escrow.runs(_ids[i], attempt, runnerAt(k));
                if (r.state == RunState.Absent) continue;
                ++runs;
                (, uint256 finalEarned) = escrow.earnedOf(_ids[i], attempt, runnerAt(k));
                vm.assertLe(r.released, finalEarned, "[12] no more is paid than is final");
                vm.assertLe(finalEarned, r.earned, "[12] final is part of earned");
                if (r.state == RunState.Live) {
                    ++live;
                    vm.assertEq(attempt, j.attempt, "[10] only the current attempt is live");
                    vm.assertLe(r.earned, j.deposit, "[6] earned within the deposit");
                    reserved[k] += UNITS;
                } else {
                    owed += r.earned;
                }
                owed -= r.released;
            }
            vm.assertLe(runs, 1, "[10] one provider an attempt");
        }
        vm.assertLe(live, 1, "[10] one live run a job");
    }

    // ---- What the calls are made of -------------------------------------------------------------------------

    function send(address who, bytes memory call, uint256 value) private returns (bool success) {
        vm.prank(who);
        (success,) = address(escrow).call{value: value}(call);
        if (success) ++through[bytes4(call)];
    }

    function sendWithdraw(uint256 seed, uint256 i, uint8 attempt) private {
        RunRef[] memory refs = new RunRef[](3);
        (refs[0], refs[1]) = (RunRef(_ids[i], attempt), RunRef(_ids[i], attempt)); // twice
        refs[2] = RunRef(_ids[(i + 1) % JOBS], attemptOf((i + 1) % JOBS, 0));
        send(person(seed >> 40), abi.encodeCall(escrow.withdraw, (refs)), 0);
    }

    /// @dev Who runs a job, mostly; else any provider.
    function holder(uint256 i, uint256 seed) private view returns (address) {
        uint8 current = escrow.jobs(_ids[i]).attempt;
        for (uint256 k = 0; k < PROVIDERS && seed % 4 != 0; ++k) {
            if (escrow.runs(_ids[i], current, runnerAt(k)).state != RunState.Absent) return runnerAt(k);
        }
        return runnerAt(seed >> 2);
    }

    /// @dev The current attempt, mostly; else an earlier one, or one that never was.
    function attemptOf(uint256 i, uint256 seed) private view returns (uint8) {
        uint8 current = escrow.jobs(_ids[i]).attempt;
        if (seed % 4 != 3) return current;
        return uint8(seed >> 8) % (current + 2);
    }

    function usageFrom(uint256 amount) private pure returns (Usage memory) {
        if (amount % 3 == 0) return full(amount % 200);
        return Usage(uint64(amount), uint64(amount >> 64), uint64(amount >> 128), uint64(amount >> 192));
    }
}
