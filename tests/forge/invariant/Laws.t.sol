// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {DRaaSEscrow} from "contracts/DRaaSEscrow.sol";
import {ResourceToken} from "contracts/ResourceToken.sol";
import {Job, JobState, Run} from "contracts/interfaces/IDRaaSEscrow.sol";
import {Vm} from "../EscrowTest.sol";
import {Handler} from "./Handler.sol";
import {Market} from "./Market.sol";

/// @dev The laws of the money, held against any sequence of the handler's moves.
contract LawsTest {
    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    uint256 private constant DISPUTE_BOND = 70;
    uint256 private constant ROUNDS = 20;
    Vm private constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));
    Handler private handler;
    DRaaSEscrow private escrow;
    ResourceToken private token;
    address[4] private people;

    function setUp() public {
        handler = new Handler();
        handler.setUp();
        (escrow, token, people) = handler.market();
    }

    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    function targetSelectors() public view returns (FuzzSelector[] memory targets) {
        targets = new FuzzSelector[](1);
        targets[0] = FuzzSelector(address(handler), moves());
    }

    function invariant_the_laws_hold() public view {
        checkLaws();
    }

    /// @dev From wherever a sequence ended, with everybody silent, all money comes out within a bounded time.
    function afterInvariant() public {
        handler.everybodyLeaves();
        vm.assertEq(token.balanceOf(address(escrow)), 0, "everything can be withdrawn");
    }

    /// @dev Guards the laws against holding only because nothing ever happened.
    function test_every_move_and_every_step_between_states_happens() public {
        uint256[16] memory done;
        bool[36] memory stepped;
        uint256 total;
        for (uint256 round = 0; round < ROUNDS; ++round) {
            this.playRound(round);
            for (uint256 m = 0; m < 16; ++m) {
                done[m] += handler.done(Market.Move(m));
                total += handler.done(Market.Move(m));
            }
            for (uint256 step = 0; step < 36; ++step) {
                stepped[step] = stepped[step] || handler.history().stepped(JobState(step / 6), JobState(step % 6));
            }
        }
        for (uint256 m = 0; m < 16; ++m) {
            vm.assertGe(done[m] * 100, total, "a move was made in less than a hundredth of all");
        }
        for (uint256 step = 0; step < 36; ++step) {
            bool expected = handler.history().isInTable(JobState(step / 6), JobState(step % 6));
            vm.assertTrue(stepped[step] == expected, "a step of the table was never made");
        }
    }

    function playRound(uint256 round) external {
        bytes4[] memory selectors = moves();
        setUp();
        for (uint256 k = 0; k < 150; ++k) {
            uint256 dice = uint256(keccak256(abi.encode(round, k)));
            (bool success,) =
                address(handler).call(abi.encodePacked(selectors[dice % selectors.length], dice >> 8, dice >> 40));
            vm.assertTrue(success, "a move reverted");
            if (k % 10 == 0) checkLaws();
        }
        afterInvariant();
    }

    function checkLaws() private view {
        uint256 owed = escrow.creditOf(people[0]) + escrow.creditOf(people[1]) + escrow.creditOf(people[2])
            + escrow.creditOf(people[3]);
        owed += escrow.providers(people[2]).bond + escrow.providers(people[3]).bond;
        owed += handler.openDisputes() * DISPUTE_BOND;
        for (uint256 i = 0; i < handler.count(); ++i) {
            owed += checkJob(handler.ids(i));
        }
        vm.assertEq(token.balanceOf(address(escrow)), owed, "balance is exactly what is owed");
    }

    /// @dev Returns what the escrow still owes for this job.
    function checkJob(bytes32 id) private view returns (uint256 owed) {
        Job memory job = escrow.jobs(id);
        uint256 accounted = job.deposit + handler.refunded(id) + handler.creditedByRuling(id);
        owed = job.deposit;
        for (uint8 attempt = 1; attempt <= job.attempt; ++attempt) {
            (uint256 earned, uint256 finalEarned) = escrow.earnedOf(id, attempt);
            Run memory run = escrow.runs(id, attempt);
            checkRun(job, run);
            vm.assertLe(finalEarned, earned, "final is part of earned");
            vm.assertLe(run.withdrawn, finalEarned, "only what is final was paid");
            vm.assertEq(run.withdrawn, handler.paidOut(id, attempt), "paid once");
            if (attempt != job.attempt) (accounted, owed) = (accounted + earned, owed + earned);
            else vm.assertLe(earned, job.deposit, "earned within the deposit");
            owed -= run.withdrawn;
        }
        vm.assertEq(accounted, handler.paidIn(id), "deposits = earned + refunded + unspent");
    }

    function checkRun(Job memory job, Run memory run) private pure {
        uint256 span = run.reportedAt - run.startedAt;
        vm.assertLe(run.usage.cpuMs, job.cpuMillis * span, "CPU within the reserve");
        vm.assertLe(run.usage.memoryMibS, job.memoryMib * span, "memory within the reserve");
        vm.assertLe(run.usage.egressKib, job.egressKibS * span, "egress within the reserve");
        vm.assertLe(run.usage.wallS, span, "wall time within the clock's");
    }

    function moves() private pure returns (bytes4[] memory selectors) {
        selectors = new bytes4[](20);
        selectors[0] = Handler.post.selector;
        selectors[1] = Handler.topUp.selector;
        selectors[2] = selectors[17] = bytes4(keccak256("claim(uint256)"));
        selectors[3] = selectors[18] = bytes4(keccak256("report(uint256,uint256)"));
        selectors[4] = bytes4(keccak256("complete(uint256,uint256)"));
        selectors[5] = Handler.cancel.selector;
        selectors[6] = Handler.decline.selector;
        selectors[7] = Handler.lapse.selector;
        selectors[8] = Handler.refund.selector;
        selectors[9] = bytes4(keccak256("withdraw(uint256)"));
        selectors[10] = Handler.dispute.selector;
        selectors[11] = Handler.rule.selector;
        selectors[12] = Handler.withdrawCredit.selector;
        selectors[13] = Handler.rebond.selector;
        selectors[14] = Handler.grief.selector;
        selectors[15] = selectors[16] = selectors[19] = Handler.pass.selector;
    }
}
