// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {CourtTest, IArbitrator, IDRaaSCourt, Vm} from "./CourtTest.sol";

contract CourtEventsTest is CourtTest {
    uint256 private id;

    function test_a_client_can_follow_a_dispute_by_its_events() public {
        bench(3);
        vm.recordLogs();
        id = created();
        assertEvents(two(IArbitrator.DisputeCreation.selector, IDRaaSCourt.DrawQueued.selector));
        draw();
        bytes32[] memory expected = times(4, IDRaaSCourt.JurorDrawn.selector);
        expected[3] = IDRaaSCourt.CommitStarted.selector;
        assertEvents(expected);
        address[] memory panel = panelOf(id);
        for (uint256 i = 0; i < 3; ++i) {
            commitAs(id, panel[i], 5000);
        }
        expected = times(4, IDRaaSCourt.Committed.selector);
        expected[3] = IDRaaSCourt.RevealStarted.selector;
        assertEvents(expected);
        revealAs(id, panel[0], 5000);
        revealAs(id, panel[1], 5000);
        assertEvents(times(2, IDRaaSCourt.Revealed.selector));
        pass(REVEAL_TIME);
        court.tally(id);
        expected = times(6, IDRaaSCourt.JurorPaid.selector);
        expected[2] = IDRaaSCourt.JurorPenalised.selector;
        expected[3] = IDRaaSCourt.RoundClosed.selector;
        expected[4] = IDRaaSCourt.DisputeRuled.selector;
        expected[5] = IArbitrator.AppealPossible.selector;
        assertEvents(expected);
        plaintiff.appeal(id);
        assertEvents(two(IArbitrator.AppealDecision.selector, IDRaaSCourt.DrawQueued.selector));
    }

    function test_the_court_says_whether_the_arbitrable_took_its_ruling() public {
        bench(3);
        id = seated();
        judge(id, three(1, 1, 1));
        pass(APPEAL_TIME);
        vm.recordLogs();
        court.executeRuling(id);
        assertEvents(times(1, IDRaaSCourt.RulingExecuted.selector));
    }

    /// @dev The events of the court since the last look, by name and in order.
    function assertEvents(bytes32[] memory expected) private {
        Vm.Log[] memory logs = vm.getRecordedLogs();
        vm.assertEq(logs.length, expected.length, "events");
        for (uint256 i = 0; i < logs.length; ++i) {
            vm.assertTrue(logs[i].topics[0] == expected[i], "another event");
            vm.assertEq(uint256(logs[i].topics[1]), id, "of another dispute");
        }
    }

    function two(bytes32 a, bytes32 b) private pure returns (bytes32[] memory topics) {
        topics = times(2, a);
        topics[1] = b;
    }

    function times(uint256 count, bytes32 topic) private pure returns (bytes32[] memory topics) {
        topics = new bytes32[](count);
        for (uint256 i = 0; i < count; ++i) {
            topics[i] = topic;
        }
    }
}
