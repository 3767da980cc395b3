// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {JobSlot} from "contracts/libraries/JobSlot.sol";
import {Metering} from "contracts/libraries/Metering.sol";
import {ProviderSlot} from "contracts/libraries/ProviderSlot.sol";
import {RatesSlot} from "contracts/libraries/RatesSlot.sol";
import {RunSlot} from "contracts/libraries/RunSlot.sol";
import {Terms} from "contracts/libraries/Terms.sol";
import {
    EscrowTest,
    IDRaaSEscrow,
    Job,
    JobState,
    JobTerms,
    Parameters,
    Provider,
    Rates,
    Run,
    RunState,
    Usage
} from "./EscrowTest.sol";

/// @dev The same cases as tests/integration/chain/test_mirror.py runs through the Python mirror.
contract VectorsTest is EscrowTest {
    string private constant FILE = "tests/vectors/job_money.json";

    Job private _job;
    Run private _run;
    Provider private _provider;
    Rates private _card;
    mapping(uint256 window => mapping(uint256 grace => IDRaaSEscrow)) private _escrows;

    function test_money_is_what_the_shared_cases_say() public {
        uint256[] memory v = vm.parseJsonUintArray(vm.readFile(FILE), ".money");
        vm.assertGe(v.length, 17 * 20, "cases");
        for (uint256 i = 0; i < v.length; i += 17) {
            Usage memory usage = Usage(uint64(v[i]), uint64(v[i + 1]), uint64(v[i + 2]), uint64(v[i + 3]));
            _card = Rates(uint64(v[i + 4]), uint64(v[i + 5]), uint64(v[i + 6]), uint64(v[i + 7]));
            uint256 cost = Metering.cost(usage, RatesSlot.wrap(wordOf(cardPlace())));
            uint256 all = cost < v[i + 8] ? cost : v[i + 8];
            vm.assertEq(cost, v[i + 14], "cost");
            vm.assertEq(all, v[i + 15], "earned");
            _run = Run(uint72(all), uint72(v[i + 10]), uint72(v[i + 9]), uint32(v[i + 11]), RunState.Live);
            RunSlot run = RunSlot.wrap(wordOf(runPlace()));
            vm.assertEq(Metering.finalEarned(run, v[i + 12], v[i + 13]), v[i + 16], "final");
            RunSlot frozen = run.withState(RunState.Frozen);
            vm.assertEq(Metering.finalEarned(frozen, v[i + 12], v[i + 13]), run.previous(), "frozen");
            RunSlot ruled = run.withState(RunState.Ruled);
            vm.assertEq(Metering.finalEarned(ruled, v[i + 12], v[i + 13]), all, "ruled");
        }
    }

    function test_caps_are_what_the_shared_cases_say() public {
        uint256[] memory v = vm.parseJsonUintArray(vm.readFile(FILE), ".capped");
        vm.assertGe(v.length, 12 * 20, "cases");
        for (uint256 i = 0; i < v.length; i += 12) {
            Job memory job;
            (job.cpuMillis, job.memoryMib, job.egressKibS) = (uint24(v[i + 4]), uint24(v[i + 5]), uint24(v[i + 6]));
            Usage memory usage = Usage(uint64(v[i]), uint64(v[i + 1]), uint64(v[i + 2]), uint64(v[i + 3]));
            _job = job;
            usage = this.capped(usage, JobSlot.wrap(wordOf(jobPlace())), v[i + 7]);
            vm.assertEq(usage.cpuMs, v[i + 8], "cpu");
            vm.assertEq(usage.memoryMibS, v[i + 9], "memory");
            vm.assertEq(usage.egressKib, v[i + 10], "egress");
            vm.assertEq(usage.wallS, v[i + 11], "wall");
        }
    }

    function test_states_are_what_the_shared_cases_say() public {
        uint256[] memory v = vm.parseJsonUintArray(vm.readFile(FILE), ".state");
        vm.assertGe(v.length, 8 * 20, "cases");
        for (uint256 i = 0; i < v.length; i += 8) {
            Job memory job;
            (job.state, job.deadline, job.deposit) = (JobState(v[i]), uint32(v[i + 1]), uint72(v[i + 2]));
            job.settled = v[i + 3] == 1;
            IDRaaSEscrow target = escrowOf(v[i + 4], v[i + 5]);
            _job = job;
            vm.store(address(target), keccak256(abi.encode(bytes32("job"), 0)), bytes32(wordOf(jobPlace())));
            vm.warp(v[i + 6]);
            vm.assertEq(uint256(target.stateOf(bytes32("job"))), v[i + 7], "state");
        }
    }

    function test_a_jobs_slot_is_what_the_compiler_would_store(uint256 word) public {
        word = JobSlot.unwrap(someJob(word));
        _job = JobSlot.wrap(word).unpack();
        vm.assertEq(wordOf(jobPlace()), word);
    }

    function test_a_field_of_a_job_is_set_as_the_compiler_would(uint256 word, uint256 other) public {
        Job memory job = someJob(other).unpack();
        word = word & ((1 << 232) - 1);
        _job = JobSlot.wrap(word).unpack();
        (_job.deposit, _job.deadline, _job.duration) = (job.deposit, job.deadline, job.duration);
        (_job.rateCard, _job.attempt, _job.state, _job.settled) = (job.rateCard, job.attempt, job.state, job.settled);
        JobSlot slot = JobSlot.wrap(word).withDeposit(job.deposit).withDeadline(job.deadline);
        slot = slot.withDuration(job.duration).withRateCard(job.rateCard).withAttempt(job.attempt);
        vm.assertEq(JobSlot.unwrap(slot.withState(job.state).withSettled(job.settled)), wordOf(jobPlace()));
    }

    function test_a_runs_slot_is_what_the_compiler_would_store(uint256 word) public {
        word = RunSlot.unwrap(someRun(word));
        _run = RunSlot.wrap(word).unpack();
        vm.assertEq(wordOf(runPlace()), word);
    }

    function test_a_field_of_a_run_is_set_as_the_compiler_would(uint256 word, uint256 other) public {
        Run memory run = someRun(other).unpack();
        word = word & ((1 << 248) - 1);
        _run = run;
        RunSlot slot = RunSlot.wrap(word).withEarned(run.earned).withPrevious(run.previous);
        slot = slot.withReleased(run.released).withReportedAt(run.reportedAt).withState(run.state);
        vm.assertEq(RunSlot.unwrap(slot), wordOf(runPlace()));
    }

    function test_a_providers_slot_is_what_the_compiler_would_store(uint256 word) public {
        _provider = ProviderSlot.wrap(word).unpack();
        vm.assertEq(wordOf(providerPlace()), word);
    }

    function test_the_terms_are_hashed_as_their_encoding_would_be(JobTerms calldata terms) public pure {
        vm.assertEq(Terms.hash(terms), keccak256(abi.encode(terms)));
    }

    function capped(Usage calldata usage, JobSlot job, uint256 span) external pure returns (Usage memory) {
        return Metering.capped(usage, job, span);
    }

    // ---- Structs as the compiler stores them, in one word each ------------------------------------------------

    /// @dev Any word whose state is one there is: the fuzzer does not know where an enumeration ends.
    function someJob(uint256 word) private pure returns (JobSlot) {
        return JobSlot.wrap(word & ((1 << 232) - 1) | (word >> 232) % 6 << 232 | (word >> 255) << 240);
    }

    function someRun(uint256 word) private pure returns (RunSlot) {
        return RunSlot.wrap(word & ((1 << 248) - 1) | (word >> 248) % 5 << 248);
    }

    function jobPlace() private pure returns (uint256 place) {
        assembly ("memory-safe") {
            place := _job.slot
        }
    }

    function runPlace() private pure returns (uint256 place) {
        assembly ("memory-safe") {
            place := _run.slot
        }
    }

    function providerPlace() private pure returns (uint256 place) {
        assembly ("memory-safe") {
            place := _provider.slot
        }
    }

    function cardPlace() private pure returns (uint256 place) {
        assembly ("memory-safe") {
            place := _card.slot
        }
    }

    function escrowOf(uint256 window, uint256 grace) private returns (IDRaaSEscrow) {
        if (address(_escrows[window][grace]) == address(0)) {
            Parameters memory p = parameters();
            (p.window, p.settleGrace, p.unbondTime) = (window, grace, 2 * window + p.rulingTime + 1);
            _escrows[window][grace] = newEscrow(address(token), address(arbitrator), p);
        }
        return _escrows[window][grace];
    }

    function wordOf(uint256 slot) private view returns (uint256 word) {
        assembly ("memory-safe") {
            word := sload(slot)
        }
    }
}
