// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {DRaaSEscrow} from "contracts/DRaaSEscrow.sol";
import {Job, JobState, Parameters, Rates, Usage} from "contracts/interfaces/IDRaaSEscrow.sol";
import {Metering} from "contracts/libraries/Metering.sol";
import {EscrowTest} from "./EscrowTest.sol";

/// @dev The escrow with its derivation of a state laid open.
contract OpenEscrow is DRaaSEscrow {
    constructor(address token, Parameters memory p) DRaaSEscrow(token, address(1), p) {}

    function stateAt(Job memory job, uint256 earned) external view returns (JobState) {
        return _stateAt(job, earned);
    }
}

/// @dev The same cases as tests/integration/chain/test_mirror.py runs through the Python mirror.
contract VectorsTest is EscrowTest {
    string private constant FILE = "tests/vectors/job_money.json";

    function test_money_is_what_the_shared_cases_say() public view {
        uint256[] memory v = vm.parseJsonUintArray(vm.readFile(FILE), ".money");
        vm.assertGe(v.length, 17 * 20, "cases");
        for (uint256 i = 0; i < v.length; i += 17) {
            Usage memory usage = Usage(uint64(v[i]), uint64(v[i + 1]), uint64(v[i + 2]), uint64(v[i + 3]));
            Rates memory rate = Rates(uint64(v[i + 4]), uint64(v[i + 5]), uint64(v[i + 6]), uint64(v[i + 7]));
            uint256 cost = Metering.cost(usage, rate);
            uint256 all = cost < v[i + 8] ? cost : v[i + 8];
            vm.assertEq(cost, v[i + 14], "cost");
            vm.assertEq(all, v[i + 15], "earned");
            uint256 part = Metering.finalPart(all, v[i + 9], v[i + 10], v[i + 11], v[i + 12], v[i + 13]);
            vm.assertEq(part, v[i + 16], "final");
        }
    }

    function test_states_are_what_the_shared_cases_say() public {
        OpenEscrow open = new OpenEscrow(address(token), parameters());
        uint256[] memory v = vm.parseJsonUintArray(vm.readFile(FILE), ".state");
        vm.assertGe(v.length, 6 * 20, "cases");
        for (uint256 i = 0; i < v.length; i += 6) {
            Job memory job;
            (job.state, job.deadline, job.deposit) = (JobState(v[i]), uint32(v[i + 1]), uint80(v[i + 2]));
            vm.warp(v[i + 4]);
            vm.assertEq(uint256(open.stateAt(job, v[i + 3])), v[i + 5], "state");
        }
    }
}
