// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {DRaaSCourt} from "contracts/DRaaSCourt.sol";
import {ResourceToken} from "contracts/ResourceToken.sol";
import {Juror, Phase} from "../CourtTest.sol";
import {CourtClock} from "./CourtClock.sol";

/// @dev Everybody's moves, each made only where it must succeed, so that any revert is a fault.
contract CourtHandler is CourtClock {
    enum Move {
        Stake,
        Unstake,
        Create,
        Draw,
        DrawTooLate,
        Commit,
        Reveal,
        Tally,
        Appeal,
        Execute,
        Withdraw,
        Pass,
        Grief
    }

    uint256 public constant MOVES = 13;
    uint256 public constant PEOPLE = 8;
    uint256 private constant MAX_DISPUTES = 10;

    mapping(Move => uint256) public done;
    uint256 public weiIn;
    uint256 public weiOut;
    uint256 public tokensIn;
    uint256 public tokensOut;
    mapping(uint256 id => mapping(uint256 round => mapping(address juror => uint256))) private _shares;

    modifier watched() {
        _;
        noteEnds();
    }

    function setUp() public override {
        super.setUp();
        for (uint256 i = 0; i < 5; ++i) {
            doStake(person(i), 3 * SEAT + i);
        }
    }

    function room() external view returns (DRaaSCourt, ResourceToken) {
        return (court, token);
    }

    // ---- Jurors -------------------------------------------------------------------------------------------

    function stake(uint256 seed, uint256 amount) external watched {
        if (drawPending()) return;
        doStake(person(seed % PEOPLE), 1 + amount % (3 * SEAT));
        ++done[Move.Stake];
    }

    function unstake(uint256 seed, uint256 amount) external watched {
        address who = person(seed % PEOPLE);
        uint256 free = freeOf(who);
        if (drawPending() || free == 0) return;
        doUnstake(who, 1 + amount % (free < SEAT ? free : SEAT / 2));
        ++done[Move.Unstake];
    }

    function commit(uint256 seed, uint256 share) external watched {
        (bool found, uint256 id) = find(seed, Phase.Committing);
        if (!found) return;
        address juror = panelOf(id)[(seed >> 32) % panelOf(id).length];
        share = share % 3 == 0 ? share % 10_001 : 5000 + share % 700;
        _shares[id][round(id)][juror] = share;
        commitAs(id, juror, share);
        ++done[Move.Commit];
    }

    function reveal(uint256 seed) external watched {
        (bool found, uint256 id) = find(seed, Phase.Revealing);
        if (!found) return;
        address[] memory panel = panelOf(id);
        for (uint256 i = 0; i < panel.length; ++i) {
            if (!mayReveal(id, panel[i])) continue;
            revealAs(id, panel[i], _shares[id][round(id)][panel[i]]);
            ++done[Move.Reveal];
            return;
        }
    }

    function withdraw(uint256 seed) external watched {
        for (uint256 k = 0; k < PEOPLE; ++k) {
            address who = person((seed % PEOPLE + k) % PEOPLE);
            if (court.feesOf(who) == 0) continue;
            doWithdraw(who);
            ++done[Move.Withdraw];
            return;
        }
    }

    // ---- The arbitrable -----------------------------------------------------------------------------------

    function create(uint256 seed) external watched {
        if (court.disputeCount() == MAX_DISPUTES) return;
        uint256 id = plaintiff.create(abi.encode(0, seed % 5, person(seed % 16)));
        weiIn += court.rounds(id, 1).fees;
        startClock(id);
        ++done[Move.Create];
    }

    function appeal(uint256 seed) external watched {
        (bool found, uint256 id) = find(seed, Phase.Appealable);
        if (!found || seed % 4 == 0 || court.disputes(id).appeals == MAX_APPEALS) return;
        plaintiff.appeal(id);
        weiIn += court.rounds(id, round(id)).fees;
        ++done[Move.Appeal];
    }

    // ---- Anybody ------------------------------------------------------------------------------------------

    function draw(uint256 seed) external watched {
        if (!drawPending()) return;
        bool late = seed % 8 == 0;
        vm.roll(vm.getBlockNumber() + (late ? 300 : 2));
        court.draw();
        ++done[late ? Move.DrawTooLate : Move.Draw];
    }

    function tally(uint256 seed) external watched {
        (bool found, uint256 id) = find(seed, Phase.Tallying);
        if (!found || seedKnown()) return;
        court.tally(id);
        ++done[Move.Tally];
    }

    function execute(uint256 seed) external watched {
        (bool found, uint256 id) = find(seed, Phase.Ruled);
        if (!found) return;
        court.executeRuling(id);
        ++done[Move.Execute];
    }

    function pass(uint256 seed, uint256 span) external watched {
        uint256 time = vm.getBlockTimestamp();
        passTo(seed % 2 == 0 ? time + 1 + span % 30 : nextDeadline(time + 1000));
        vm.roll(vm.getBlockNumber() + span % 3);
        ++done[Move.Pass];
    }

    /// @dev A stranger tries what is not his to do; each try must revert.
    function grief(uint256 seed) external watched {
        uint256 id = 1 + seed % MAX_DISPUTES;
        bytes[6] memory tries = [
            abi.encodeCall(court.commit, (id, bytes32(seed | 1))),
            abi.encodeCall(court.reveal, (id, 5000, bytes32(seed))),
            abi.encodeCall(court.unstake, (1)),
            abi.encodeCall(court.appeal, (id, "")),
            abi.encodeCall(court.withdrawFees, ()),
            abi.encodeCall(court.createDispute, (CHOICES, ""))
        ];
        for (uint256 i = 0; i < tries.length; ++i) {
            vm.prank(stranger);
            (bool success,) = address(court).call(tries[i]);
            vm.assertTrue(!success, "a stranger's call went through");
        }
        ++done[Move.Grief];
    }

    /// @dev Jurors and arbitrable fall silent and somebody advances what can be; every dispute ends in time. Then all
    /// leave, and what no round earned is all that stays.
    function everybodyLeaves() external watched {
        uint256 latest = vm.getBlockTimestamp() + court.longestCase();
        while (advance()) {}
        while (!allEnded()) {
            vm.assertTrue(vm.getBlockTimestamp() < latest, "a dispute goes on for too long");
            passTo(nextDeadline(latest));
            while (advance()) {}
        }
        for (uint256 i = 0; i < PEOPLE; ++i) {
            address who = person(i);
            vm.assertEq(court.jurors(who).locked, 0, "all seats are free");
            if (freeOf(who) != 0) doUnstake(who, freeOf(who));
            if (court.feesOf(who) != 0) doWithdraw(who);
        }
    }

    // ---- What the moves are made of -----------------------------------------------------------------------

    function advance() private returns (bool any) {
        while (drawPending()) {
            vm.roll(vm.getBlockNumber() + 2);
            court.draw();
            any = true;
        }
        for (uint256 id = 1; id <= court.disputeCount(); ++id) {
            Phase now_ = phase(id);
            if (now_ == Phase.Tallying) court.tally(id);
            else if (now_ == Phase.Ruled) court.executeRuling(id);
            else continue;
            any = true;
        }
    }

    function allEnded() private view returns (bool) {
        for (uint256 id = 1; id <= court.disputeCount(); ++id) {
            if (phase(id) != Phase.Executed) return false;
        }
        return true;
    }

    function doStake(address who, uint256 amount) private {
        stakeAs(who, amount);
        tokensIn += amount;
    }

    function doUnstake(address who, uint256 amount) private {
        vm.prank(who);
        court.unstake(amount);
        tokensOut += amount;
    }

    function doWithdraw(address who) private {
        uint256 before = who.balance;
        vm.prank(who);
        uint256 amount = court.withdrawFees();
        vm.assertEq(who.balance - before, amount, "fees arrive");
        weiOut += amount;
    }

    function find(uint256 seed, Phase wanted) private view returns (bool, uint256 id) {
        uint256 count = court.disputeCount();
        for (uint256 k = 0; k < count; ++k) {
            id = 1 + (seed % count + k) % count;
            if (phase(id) == wanted) return (true, id);
        }
        return (false, 0);
    }

    function mayReveal(uint256 id, address juror) private view returns (bool) {
        bool committed = court.vote(id, round(id), juror).commitment != 0;
        return committed && !court.vote(id, round(id), juror).revealed;
    }

    function freeOf(address who) private view returns (uint256) {
        Juror memory juror = court.jurors(who);
        return juror.staked - juror.locked;
    }

    function drawPending() private view returns (bool pending) {
        (uint256 id,) = court.nextDraw();
        return id != 0;
    }

    function seedKnown() private view returns (bool) {
        (uint256 id, uint256 firstBlock) = court.nextDraw();
        return id != 0 && vm.getBlockNumber() >= firstBlock;
    }
}
