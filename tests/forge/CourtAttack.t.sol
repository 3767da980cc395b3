// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {CourtTest, IArbitrator, IDRaaSCourt, Phase} from "./CourtTest.sol";
import {ContractJuror, HostilePlaintiff} from "./Plaintiffs.sol";

contract CourtAttackTest is CourtTest {
    HostilePlaintiff private hostile;

    function setUp() public override {
        super.setUp();
        bench(3);
        hostile = new HostilePlaintiff(court);
        vm.deal(address(hostile), 1 ether);
    }

    function test_a_copied_commit_is_worth_nothing() public {
        uint256 id = seated();
        address[] memory panel = panelOf(id);
        bytes32 original = court.commitmentOf(id, 1, panel[0], 4000, salt(panel[0]));
        vm.prank(panel[0]);
        court.commit(id, original);
        vm.prank(panel[1]);
        court.commit(id, original);
        pass(COMMIT_TIME);
        revealAs(id, panel[0], 4000); // the salt is public now
        vm.expectRevert(abi.encodeWithSelector(IDRaaSCourt.WrongCommitment.selector, id, panel[1]));
        vm.prank(panel[1]);
        court.reveal(id, 4000, salt(panel[0]));
    }

    function test_a_commit_is_for_one_chain_court_dispute_round_and_juror() public {
        bytes32 here = court.commitmentOf(1, 1, person(0), 1, 0);
        vm.assertTrue(here != court.commitmentOf(2, 1, person(0), 1, 0));
        vm.assertTrue(here != court.commitmentOf(1, 2, person(0), 1, 0));
        vm.assertTrue(here != court.commitmentOf(1, 1, person(1), 1, 0));
        open(parameters());
        vm.assertTrue(here != court.commitmentOf(1, 1, person(0), 1, 0));
        bytes32 second = court.commitmentOf(1, 1, person(0), 1, 0);
        vm.chainId(99);
        vm.assertTrue(second != court.commitmentOf(1, 1, person(0), 1, 0));
    }

    function test_an_arbitrable_that_reverts_holds_up_nobody_and_can_be_ruled_later() public {
        HostilePlaintiff.Way[3] memory ways =
            [HostilePlaintiff.Way.Reverts, HostilePlaintiff.Way.RevertsAtLength, HostilePlaintiff.Way.BurnsGas];
        for (uint256 i = 0; i < 3; ++i) {
            uint256 id = ruledFor(hostile, ways[i]);
            assertNothingIsLocked();
            court.executeRuling{gas: 1_000_000}(id);
            assertPhase(id, Phase.Ruled);
            vm.assertEq(hostile.timesRuled(id), 0);
            hostile.choose(HostilePlaintiff.Way.Takes);
            court.executeRuling(id);
            assertPhase(id, Phase.Executed);
            vm.assertEq(hostile.rulingOf(id), 3001);
        }
        uint256 other = seated();
        judge(other, three(1, 1, 1));
    }

    function test_an_arbitrable_that_comes_back_gets_nowhere() public {
        uint256 id = ruledFor(hostile, HostilePlaintiff.Way.ReEnters);
        court.executeRuling(id);
        assertPhase(id, Phase.Executed);
        vm.assertEq(hostile.triesThatFailed(), 3);
        vm.assertEq(hostile.timesRuled(id), 1);
        vm.expectRevert(wrongPhase(id, Phase.Executed));
        court.executeRuling(id);
        assertSolvent(3);
    }

    /// @dev Whatever gas the caller gives, either the ruling arrives or it is not marked as executed.
    function test_a_caller_cannot_starve_the_callback(uint256 gas) public {
        uint256 id = ruledFor(hostile, HostilePlaintiff.Way.NeedsGas);
        gas = 30_000 + gas % 600_000;
        (bool success,) = address(court).call{gas: gas}(abi.encodeCall(court.executeRuling, (id)));
        bool executed = phase(id) == Phase.Executed;
        vm.assertEq(hostile.timesRuled(id), executed ? 1 : 0);
        vm.assertTrue(executed || phase(id) == Phase.Ruled);
        if (success && gas < 400_000) vm.assertTrue(false, "too little gas must revert");
        if (!executed) court.executeRuling(id);
        vm.assertEq(hostile.timesRuled(id), 1);
    }

    function test_too_little_gas_reverts_instead_of_failing_the_callback() public {
        uint256 id = ruledFor(hostile, HostilePlaintiff.Way.NeedsGas);
        (bool success, bytes memory why) = address(court).call{gas: 380_000}(abi.encodeCall(court.executeRuling, (id)));
        vm.assertTrue(!success && bytes4(why) == IDRaaSCourt.TooLittleGas.selector);
    }

    function test_an_arbitrable_without_code_is_ruled_all_the_same() public {
        vm.deal(stranger, 1 ether);
        vm.prank(stranger);
        uint256 id = court.createDispute{value: 3 * FEE}(CHOICES, "");
        draw();
        judge(id, three(1, 2, 3));
        pass(APPEAL_TIME);
        court.executeRuling(id);
        assertPhase(id, Phase.Executed);
    }

    function test_a_juror_that_refuses_wei_holds_up_nobody() public {
        ContractJuror odd = contractJuror();
        odd.behave(true, false);
        uint256 id = seatedWith(odd);
        pass(APPEAL_TIME);
        court.executeRuling(id);
        vm.expectRevert(abi.encodeWithSelector(IDRaaSCourt.WithdrawalFailed.selector));
        odd.withdraw();
        vm.assertTrue(court.feesOf(address(odd)) != 0);
        for (uint256 i = 0; i < 3; ++i) {
            if (court.feesOf(person(i)) == 0) continue;
            vm.prank(person(i));
            court.withdrawFees();
        }
        odd.behave(false, false);
        odd.withdraw();
        vm.assertEq(court.feesOf(address(odd)), 0);
        vm.assertEq(address(court).balance, court.carriedFees());
    }

    function test_fees_are_paid_once_however_often_they_are_asked_for() public {
        ContractJuror odd = contractJuror();
        odd.behave(false, true);
        seatedWith(odd);
        uint256 due = court.feesOf(address(odd));
        vm.assertTrue(due != 0);
        odd.withdraw();
        vm.assertTrue(!odd.secondTryWorked());
        vm.assertEq(address(odd).balance, due);
        vm.expectRevert(abi.encodeWithSelector(IDRaaSCourt.NothingToWithdraw.selector));
        odd.withdraw();
    }

    function test_a_dispute_costs_exactly_its_fee_and_asks_the_one_question() public {
        for (uint256 i = 0; i < 2; ++i) {
            uint256 sent = 3 * FEE + 2 * i - 1;
            vm.expectRevert(abi.encodeWithSelector(IDRaaSCourt.WrongFee.selector, 3 * FEE, sent));
            court.createDispute{value: sent}(CHOICES, "");
        }
        vm.expectRevert(abi.encodeWithSelector(IDRaaSCourt.WrongChoices.selector, 2));
        court.createDispute{value: 3 * FEE}(2, "");
    }

    function test_a_dispute_that_does_not_exist_is_nothing_to_act_on() public {
        bytes memory absent = wrongPhase(7, Phase.Absent);
        vm.expectRevert(absent);
        court.tally(7);
        vm.expectRevert(absent);
        court.executeRuling(7);
        vm.expectRevert(absent);
        court.commit(7, bytes32(uint256(1)));
        vm.expectRevert(absent);
        court.appeal(7, "");
        vm.expectRevert(absent);
        court.disputeStatus(7);
        vm.expectRevert(absent);
        court.currentRuling(7);
        vm.expectRevert(absent);
        court.appealCost(7, "");
    }

    function test_a_flood_of_disputes_delays_only_by_its_own_draws() public {
        uint256 id = seated();
        pass(COMMIT_TIME);
        for (uint256 i = 0; i < 20; ++i) {
            created();
        }
        vm.roll(vm.getBlockNumber() + 2);
        for (uint256 i = 0; i < 20; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IDRaaSCourt.DrawPending.selector));
            court.tally(id);
            court.draw();
        }
        court.tally(id);
        assertSolvent(3);
    }

    /// @dev A dispute in which person 0 is barred, so that the odd juror is seated, judged by all.
    function seatedWith(ContractJuror odd) private returns (uint256 id) {
        id = plaintiff.create(abi.encode(0, 0, person(0)));
        draw();
        vm.assertTrue(court.vote(id, 1, address(odd)).seated);
        judge(id, three(10, 20, 30));
    }

    function contractJuror() private returns (ContractJuror odd) {
        odd = new ContractJuror(court);
        stakeAs(address(odd), SEAT);
    }

    function ruledFor(HostilePlaintiff who, HostilePlaintiff.Way way) private returns (uint256 id) {
        who.choose(way);
        id = who.create("");
        draw();
        judge(id, three(3000, 3000, 3000));
        pass(APPEAL_TIME);
        vm.assertTrue(court.disputeStatus(id) == IArbitrator.DisputeStatus.Solved);
    }

    function assertNothingIsLocked() private view {
        for (uint256 i = 0; i < 3; ++i) {
            vm.assertEq(court.jurors(person(i)).locked, 0);
        }
    }
}
