// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {DRaaSCourt} from "contracts/DRaaSCourt.sol";
import {ResourceToken} from "contracts/ResourceToken.sol";
import {CourtDispute, CourtParameters, CourtRound, Juror, Phase, Seat, Vm} from "../CourtTest.sol";
import {CourtHandler} from "./CourtHandler.sol";

/// @dev The laws of the court, held against any sequence of the handler's moves.
contract CourtLawsTest {
    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    uint256 private constant GAMES = 12;
    Vm private constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));
    CourtHandler private handler;
    DRaaSCourt private court;
    ResourceToken private token;
    CourtParameters private rules;
    uint256 private longestJudging; // seconds, without those allowed for draws
    mapping(address juror => uint256) private _seats; // of open rounds

    // What the games have seen: redraws, refusals, appeals that kept a ruling, panels that were too small, empty ones.
    bool[5] private _seen;

    function setUp() public {
        handler = new CourtHandler();
        handler.setUp();
        (court, token) = handler.room();
        rules = court.parameters();
        longestJudging = court.longestCase() - 2 * (rules.maxAppeals + 1) * rules.drawTime;
    }

    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    function targetSelectors() public view returns (FuzzSelector[] memory targets) {
        targets = new FuzzSelector[](1);
        targets[0] = FuzzSelector(address(handler), moves());
    }

    function invariant_the_laws_of_the_court_hold() public {
        checkLaws();
    }

    /// @dev From wherever a sequence ended, with everybody silent, all disputes end and all stakes and fees come out.
    function afterInvariant() public {
        handler.everybodyLeaves();
        checkLaws();
        vm.assertEq(token.balanceOf(address(court)), court.carriedStake(), "all stakes can be withdrawn");
        vm.assertEq(address(court).balance, court.carriedFees(), "all fees can be withdrawn");
    }

    /// @dev Guards the laws against holding only because nothing ever happened.
    function test_every_move_and_every_turn_of_a_dispute_happens() public {
        uint256 kinds = handler.MOVES();
        uint256[] memory done = new uint256[](kinds);
        uint256 total;
        for (uint256 game = 0; game < GAMES; ++game) {
            this.play(game);
            for (uint256 m = 0; m < kinds; ++m) {
                done[m] += handler.done(CourtHandler.Move(m));
                total += handler.done(CourtHandler.Move(m));
            }
        }
        for (uint256 m = 0; m < kinds; ++m) {
            vm.assertGe(done[m] * 100, total, "a move was made in less than a hundredth of all");
        }
        for (uint256 turn = 0; turn < _seen.length; ++turn) {
            vm.assertTrue(_seen[turn], "a turn was never taken");
        }
    }

    function play(uint256 game) external {
        bytes4[] memory selectors = moves();
        setUp();
        for (uint256 k = 0; k < 300; ++k) {
            uint256 dice = uint256(keccak256(abi.encode(game, k)));
            bytes memory move = abi.encodePacked(selectors[dice % selectors.length], dice >> 8, dice >> 40);
            (bool success,) = address(handler).call(move);
            vm.assertTrue(success, "a move reverted");
            if (k % 10 == 0) checkLaws();
        }
        afterInvariant();
    }

    function checkLaws() private {
        uint256 fees = court.carriedFees();
        for (uint256 id = 1; id <= court.disputeCount(); ++id) {
            fees += checkDispute(id);
        }
        uint256 tokens = court.carriedStake();
        uint256 weight;
        for (uint256 i = 0; i < handler.PEOPLE(); ++i) {
            address who = address(uint160(0x10000 + i));
            Juror memory juror = court.jurors(who);
            vm.assertEq(juror.locked, _seats[who] * rules.seatStake, "locked is what the open seats need");
            vm.assertLe(juror.locked, juror.staked, "locked is part of the stake");
            if (juror.staked - juror.locked >= rules.seatStake) weight += juror.staked;
            _seats[who] = 0;
            tokens += juror.staked;
            fees += court.feesOf(who);
        }
        (, uint256 drawn) = court.drawable();
        vm.assertEq(drawn, weight, "the tree holds the stakes of all who can be drawn");
        vm.assertEq(token.balanceOf(address(court)), tokens, "tokens are exactly what is owed");
        vm.assertEq(handler.tokensIn() - handler.tokensOut(), tokens, "stakes are neither made nor lost");
        vm.assertEq(address(court).balance, fees, "wei are exactly what is owed");
        vm.assertEq(handler.weiIn() - handler.weiOut(), fees, "fees are neither made nor lost");
    }

    /// @dev Returns the fees of a round that is open.
    function checkDispute(uint256 id) private returns (uint256 fees) {
        CourtDispute memory dispute = court.disputes(id);
        uint256 ruling;
        for (uint256 number = 1; number <= dispute.round; ++number) {
            CourtRound memory round = court.rounds(id, number);
            checkPanel(id, number, round);
            if (round.ruling != 0) ruling = round.ruling;
            if (round.closed && round.redraw) _seen[0] = true;
            if (round.closed && round.redraw && round.ruling == 0 && ruling != 0) _seen[2] = true;
            if (!round.closed) fees += round.fees;
            vm.assertTrue(round.closed || number == dispute.round, "one open round at most");
        }
        vm.assertEq(dispute.ruling, ruling, "the last round in which somebody revealed rules");
        vm.assertLe(dispute.appeals, rules.maxAppeals, "no more appeals than allowed");
        vm.assertLe(handler.lived(id), longestJudging, "a dispute took too long");
        if (dispute.phase == Phase.Executed && ruling == 0) _seen[1] = true;
    }

    function checkPanel(uint256 id, uint256 number, CourtRound memory round) private {
        Seat[] memory seats = court.panel(id, number);
        uint256 revealed;
        uint256 least = type(uint256).max;
        uint256 most;
        for (uint256 i = 0; i < seats.length; ++i) {
            if (!round.closed) ++_seats[seats[i].juror];
            if (!seats[i].revealed) continue;
            ++revealed;
            if (seats[i].share < least) least = seats[i].share;
            if (seats[i].share > most) most = seats[i].share;
        }
        vm.assertEq(round.drawn, seats.length, "seats");
        vm.assertTrue(seats.length == 0 || seats.length % 2 == 1, "panels are odd");
        vm.assertLe(seats.length, round.wanted, "no more seats than paid for");
        vm.assertEq(round.revealed, revealed, "revealed");
        if (seats.length != 0 && seats.length < round.wanted) _seen[3] = true;
        if (round.closed && seats.length == 0) _seen[4] = true;
        if (!round.closed || revealed == 0) return vm.assertEq(round.ruling, 0, "no ruling without a share");
        vm.assertGe(round.ruling, least + 1, "a ruling is within what was revealed");
        vm.assertLe(round.ruling, most + 1, "a ruling is within what was revealed");
        vm.assertGe(round.coherent, 1, "somebody is paid");
    }

    function moves() private view returns (bytes4[] memory selectors) {
        selectors = new bytes4[](17);
        selectors[0] = handler.stake.selector;
        selectors[1] = handler.unstake.selector;
        selectors[2] = handler.create.selector;
        selectors[3] = handler.draw.selector;
        selectors[4] = handler.commit.selector;
        selectors[5] = handler.commit.selector;
        selectors[6] = handler.commit.selector;
        selectors[7] = handler.reveal.selector;
        selectors[8] = handler.reveal.selector;
        selectors[9] = handler.tally.selector;
        selectors[10] = handler.appeal.selector;
        selectors[11] = handler.execute.selector;
        selectors[12] = handler.withdraw.selector;
        selectors[13] = handler.pass.selector;
        selectors[14] = handler.grief.selector;
        selectors[15] = handler.draw.selector;
        selectors[16] = handler.pass.selector;
    }
}
