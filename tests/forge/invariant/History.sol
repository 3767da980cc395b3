// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {DRaaSEscrow} from "contracts/DRaaSEscrow.sol";
import {JobState, Run} from "contracts/interfaces/IDRaaSEscrow.sol";
import {Vm} from "../EscrowTest.sol";

/// @dev Remembers how every job looked before the last move, and holds the laws about change.
contract History {
    struct Seen {
        uint256 metered;
        uint256 finalEarned;
    }

    Vm private constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));
    DRaaSEscrow private immutable escrow;
    mapping(bytes32 id => mapping(uint8 attempt => Seen)) private seen;
    mapping(bytes32 id => JobState) private lastState;
    mapping(bytes32 id => uint8) private lastAttempt;
    mapping(JobState from => mapping(JobState to => bool)) public stepped;

    constructor(DRaaSEscrow escrow_) {
        escrow = escrow_;
    }

    function look(bytes32[] calldata ids) external {
        for (uint256 i = 0; i < ids.length; ++i) {
            uint8 attempts = escrow.jobs(ids[i]).attempt;
            checkStep(ids[i], attempts);
            for (uint8 attempt = 1; attempt <= attempts; ++attempt) {
                checkRun(ids[i], attempt);
            }
        }
    }

    function checkStep(bytes32 id, uint8 attempt) private {
        JobState from = lastState[id];
        JobState to = escrow.stateOf(id);
        vm.assertGe(attempt, lastAttempt[id], "attempts only rise");
        vm.assertTrue(from == to || isInTable(from, to), "a step outside the table");
        if (from != to) stepped[from][to] = true;
        (lastState[id], lastAttempt[id]) = (to, attempt);
    }

    function checkRun(bytes32 id, uint8 attempt) private {
        Run memory run = escrow.runs(id, attempt);
        (, uint256 finalEarned) = escrow.earnedOf(id, attempt);
        uint256 metered = uint256(run.usage.cpuMs) + run.usage.memoryMibS + run.usage.egressKib + run.usage.wallS;
        vm.assertGe(metered, seen[id][attempt].metered, "totals only rise");
        vm.assertGe(finalEarned, seen[id][attempt].finalEarned, "final never shrinks");
        seen[id][attempt] = Seen(metered, finalEarned);
    }

    function isInTable(JobState from, JobState to) public pure returns (bool) {
        if (from == JobState.Absent) return to == JobState.Open;
        if (from == JobState.Open) return to == JobState.Running || to == JobState.Ended || to == JobState.Closed;
        if (from == JobState.Running) return to == JobState.Open || to == JobState.Ended || to == JobState.Disputed;
        if (from == JobState.Ended) return to == JobState.Disputed || to == JobState.Closed;
        return from == JobState.Disputed && to == JobState.Ended;
    }
}
