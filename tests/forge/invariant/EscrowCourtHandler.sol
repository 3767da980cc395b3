// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {CourtParameters, IDRaaSCourt, Juror, Phase, Seat, Vote} from "contracts/interfaces/IDRaaSCourt.sol";
import {Exit} from "./Exit.sol";
import {Move} from "./Market.sol";

/// @dev Everybody's moves, with the court for an arbitrator: its jurors vote, stay silent, come and go.
contract EscrowCourtHandler is Exit {
    uint256 private constant JURORS = 9;
    uint256 private constant SEAT = 1000;
    IDRaaSCourt private court;
    mapping(uint256 id => mapping(uint256 round => mapping(address juror => uint256))) private _shares;
    mapping(Phase => uint256) public reached;

    function appoint() internal override {
        CourtParameters memory rules = CourtParameters({
            seatStake: SEAT,
            jurors: 3,
            feePerJuror: FEE,
            drawTime: 10,
            commitTime: 20,
            revealTime: 20,
            appealTime: 25,
            coherence: 500,
            penalty: 2500,
            maxAppeals: 1
        });
        court = IDRaaSCourt(vm.deployCode("DRaaSCourt.sol:DRaaSCourt", abi.encode(token, rules)));
        escrow = newEscrow(address(token), address(court), parameters());
        approve(provider);
        approve(rival);
        register(provider);
        register(rival);
        for (uint256 k = 0; k < JURORS; ++k) {
            address who = jurorAt(k);
            if (k != 0) token.transfer(who, 1e9);
            vm.prank(who);
            token.approve(address(court), type(uint256).max);
            vm.prank(who);
            court.stake(3 * SEAT);
        }
        vm.roll(1000);
    }

    // ---- Jurors ---------------------------------------------------------------------------------------------

    function stake(uint256 seed, uint256 amount) external watched {
        if (drawPending()) return;
        Juror memory record = court.jurors(jurorAt(seed));
        uint256 free = record.staked - record.locked;
        vm.prank(jurorAt(seed));
        if (seed % 2 == 0 || free < SEAT) court.stake(1 + amount % SEAT);
        else court.unstake(1 + amount % SEAT);
    }

    /// @dev A few steps of a case or two.
    function hear(uint256 seed, uint256 share) external watched {
        for (uint256 k = 0; k < 3 && cases.length != 0; ++k) {
            step(uint256(keccak256(abi.encode(seed, k))), share);
        }
    }

    /// @dev Whichever is next; sometimes its time is let pass instead.
    function step(uint256 seed, uint256 share) private {
        if (drawPending()) return draw();
        uint256 at = seed % cases.length;
        for (uint256 k = 0; k < cases.length && isDue(at) && seed % 8 != 0; ++k) {
            at = (at + 1) % cases.length; // too late for that one
        }
        uint256 id = cases[at].id;
        (Phase now_, uint256 endsAt) = court.phaseOf(id);
        ++reached[now_];
        if (endsAt != 0 && (seed >> 8) % 3 == 0) vm.warp(endsAt);
        else if (now_ == Phase.Committing) commit(id, seed >> 16, share);
        else if (now_ == Phase.Revealing) reveal(id, seed >> 16);
        else if (now_ == Phase.Appealable) appeal(at, id);
        else if (now_ == Phase.Tallying) court.tally(id);
        else if (now_ == Phase.Ruled) execute(at, id);
    }

    function draw() private {
        vm.roll(block.number + 2);
        court.draw();
        ++reached[Phase.Drawing];
    }

    /// @dev Most of a panel commit; some stay silent, and now and then all do.
    function commit(uint256 id, uint256 seed, uint256 share) private {
        uint256 round = court.disputes(id).round;
        Seat[] memory seats = court.panel(id, round);
        for (uint256 k = 0; k < seats.length && seed % 16 != 0; ++k) {
            if ((seed >> (2 * k)) % 4 == 1) continue;
            (Phase now_,) = court.phaseOf(id);
            if (now_ != Phase.Committing) break; // all others had committed before
            address who = seats[k].juror;
            uint256 shown = (k % 2 == 0 ? share : share >> k) % 10_001;
            bytes32 commitment = court.commitmentOf(id, round, who, shown, "salt");
            _shares[id][round][who] = shown;
            vm.prank(who);
            court.commit(id, commitment);
        }
    }

    function reveal(uint256 id, uint256 seed) private {
        uint256 round = court.disputes(id).round;
        Seat[] memory seats = court.panel(id, round);
        for (uint256 k = 0; k < seats.length; ++k) {
            address who = seats[k].juror;
            Vote memory vote = court.vote(id, round, who);
            (Phase now_,) = court.phaseOf(id);
            if (now_ != Phase.Revealing) break; // all others had revealed before
            if (vote.commitment == 0 || vote.revealed || (seed >> k) % 8 == 0) continue;
            vm.prank(who);
            court.reveal(id, _shares[id][round][who], "salt");
        }
    }

    function appeal(uint256 at, uint256 id) private {
        if (court.disputes(id).appeals != 0 || id % 2 != 0) return;
        uint256 fee = court.appealCost(id, "");
        vm.prank(cases[at].opener);
        (bool success,) = address(escrow).call{value: fee}(abi.encodeCall(escrow.appeal, (id)));
        bool inTime = block.timestamp <= cases[at].openedAt + RULING_TIME / 2;
        vm.assertTrue(success == inTime, "[15] appeals leave time to rule them");
        if (success) ++done[Move.Appeal];
    }

    /// @dev A ruling that comes too late changes nothing.
    function execute(uint256 at, uint256 id) private {
        look(cases[at].deal);
        if (isDue(at)) {
            court.executeRuling(id);
            return vm.assertTrue(escrow.disputes(id).open, "[15] a ruling came too late");
        }
        Parts memory parts = foreseeRuling(at, court.currentRuling(id));
        court.executeRuling(id);
        noteRuling(at, parts);
        ++done[Move.Rule];
    }

    // ---- What there is --------------------------------------------------------------------------------------

    /// @dev The first is a provider, who may not judge his own cases.
    function jurorAt(uint256 k) private view returns (address) {
        k %= JURORS;
        return k == 0 ? rival : address(uint160(0x10000 + k));
    }

    function drawPending() private view returns (bool) {
        (uint256 id,) = court.nextDraw();
        return id != 0;
    }
}
