// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {DRaaSCourt} from "contracts/DRaaSCourt.sol";
import {ResourceToken} from "contracts/ResourceToken.sol";
import {IArbitrator} from "contracts/interfaces/IArbitration.sol";
import {
    CourtDispute,
    CourtParameters,
    CourtRound,
    IDRaaSCourt,
    Juror,
    Phase,
    Seat,
    Vote
} from "contracts/interfaces/IDRaaSCourt.sol";
import {Plaintiff} from "./Plaintiffs.sol";

/// @dev The cheat codes that these tests use.
interface Vm {
    function warp(uint256 timestamp) external;
    function roll(uint256 number) external;
    function getBlockNumber() external view returns (uint256);
    function getBlockTimestamp() external view returns (uint256);
    function chainId(uint256 id) external;
    function prank(address caller) external;
    function deal(address who, uint256 amount) external;
    function expectRevert(bytes calldata data) external;
    function assertEq(uint256 a, uint256 b) external pure;
    function assertEq(uint256 a, uint256 b, string calldata why) external pure;
    function assertEq(address a, address b) external pure;
    function assertTrue(bool held) external pure;
    function assertTrue(bool held, string calldata why) external pure;
    function assertGe(uint256 a, uint256 b, string calldata why) external pure;
    function assertLe(uint256 a, uint256 b, string calldata why) external pure;
}

/// @dev A court, people with tokens who may stake, and an arbitrable that brings disputes.
abstract contract CourtTest {
    Vm internal constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    uint256 internal constant SEAT = 1000;
    uint256 internal constant PANEL = 3;
    uint256 internal constant FEE = 1e15 + 1; // does not divide evenly
    uint256 internal constant DRAW_TIME = 30;
    uint256 internal constant COMMIT_TIME = 100;
    uint256 internal constant REVEAL_TIME = 60;
    uint256 internal constant APPEAL_TIME = 200;
    uint256 internal constant COHERENCE = 500;
    uint256 internal constant LOSS = 251; // of SEAT, at a penalty of 2510 basis points
    uint256 internal constant MAX_APPEALS = 2;
    uint256 internal constant T0 = 1_700_000_040;
    uint256 internal constant CHOICES = 10_001;

    address internal stranger = address(0xBAD);
    ResourceToken internal token;
    DRaaSCourt internal court;
    Plaintiff internal plaintiff;

    function setUp() public virtual {
        vm.warp(T0);
        vm.roll(1000);
        token = new ResourceToken(address(this), 1e30);
        open(parameters());
    }

    function parameters() internal pure returns (CourtParameters memory) {
        return CourtParameters({
            seatStake: SEAT,
            jurors: PANEL,
            feePerJuror: FEE,
            drawTime: DRAW_TIME,
            commitTime: COMMIT_TIME,
            revealTime: REVEAL_TIME,
            appealTime: APPEAL_TIME,
            coherence: COHERENCE,
            penalty: 2510,
            maxAppeals: MAX_APPEALS
        });
    }

    function open(CourtParameters memory p) internal {
        court = new DRaaSCourt(address(token), p);
        plaintiff = new Plaintiff(court);
        vm.deal(address(plaintiff), 1000 ether);
    }

    // ---- Moves --------------------------------------------------------------------------------------------

    function person(uint256 i) internal pure returns (address) {
        return address(uint160(0x10000 + i));
    }

    function stakeAs(address who, uint256 amount) internal {
        token.transfer(who, amount);
        vm.prank(who);
        token.approve(address(court), amount);
        vm.prank(who);
        court.stake(amount);
    }

    /// @dev Persons 0 to `count` - 1 stake enough for a seat each.
    function bench(uint256 count) internal {
        for (uint256 i = 0; i < count; ++i) {
            stakeAs(person(i), SEAT);
        }
    }

    function created() internal returns (uint256) {
        return plaintiff.create("");
    }

    /// @dev Two blocks later, the first draw of the queue.
    function draw() internal returns (uint256) {
        vm.roll(vm.getBlockNumber() + 2);
        return court.draw();
    }

    /// @dev A dispute in its commit phase.
    function seated() internal returns (uint256 id) {
        id = created();
        draw();
    }

    function pass(uint256 span) internal {
        vm.warp(vm.getBlockTimestamp() + span);
    }

    function commitAs(uint256 id, address juror, uint256 share) internal {
        bytes32 commitment = court.commitmentOf(id, round(id), juror, share, salt(juror));
        vm.prank(juror);
        court.commit(id, commitment);
    }

    function revealAs(uint256 id, address juror, uint256 share) internal {
        vm.prank(juror);
        court.reveal(id, share, salt(juror));
    }

    /// @dev The first jurors of the panel reveal these shares, the others stay silent, and the round is closed.
    function judge(uint256 id, uint256[] memory shares) internal {
        address[] memory panel = panelOf(id);
        for (uint256 i = 0; i < shares.length; ++i) {
            commitAs(id, panel[i], shares[i]);
        }
        if (phase(id) == Phase.Committing) pass(COMMIT_TIME);
        for (uint256 i = 0; i < shares.length; ++i) {
            revealAs(id, panel[i], shares[i]);
        }
        court.tally(id);
    }

    /// @dev A round passes in which nobody does anything.
    function silence(uint256 id) internal {
        draw();
        pass(COMMIT_TIME);
        court.tally(id);
    }

    // ---- What there is ------------------------------------------------------------------------------------

    function salt(address juror) internal pure returns (bytes32) {
        return keccak256(abi.encode("salt", juror));
    }

    function round(uint256 id) internal view returns (uint256) {
        return court.disputes(id).round;
    }

    function phase(uint256 id) internal view returns (Phase now_) {
        (now_,) = court.phaseOf(id);
    }

    function panelOf(uint256 id) internal view returns (address[] memory panel) {
        Seat[] memory seats = court.panel(id, round(id));
        panel = new address[](seats.length);
        for (uint256 i = 0; i < seats.length; ++i) {
            panel[i] = seats[i].juror;
        }
    }

    function three(uint256 a, uint256 b, uint256 c) internal pure returns (uint256[] memory shares) {
        shares = new uint256[](3);
        (shares[0], shares[1], shares[2]) = (a, b, c);
    }

    function some(uint256 count, uint256 share) internal pure returns (uint256[] memory shares) {
        shares = new uint256[](count);
        for (uint256 i = 0; i < count; ++i) {
            shares[i] = share;
        }
    }

    function assertPhase(uint256 id, Phase expected) internal view {
        vm.assertEq(uint256(phase(id)), uint256(expected), "phase");
    }

    function wrongPhase(uint256 id, Phase now_) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IDRaaSCourt.WrongPhase.selector, id, now_);
    }

    /// @dev What the court holds is what it owes: to jurors 0 to `count` - 1, to open rounds and to the next.
    function assertSolvent(uint256 count) internal view {
        (uint256 tokens, uint256 fees) = (court.carriedStake(), court.carriedFees());
        for (uint256 i = 0; i < count; ++i) {
            Juror memory juror = court.jurors(person(i));
            vm.assertLe(juror.locked, juror.staked, "locked is part of the stake");
            tokens += juror.staked;
            fees += court.feesOf(person(i));
        }
        for (uint256 id = 1; id <= court.disputeCount(); ++id) {
            CourtRound memory last = court.rounds(id, round(id));
            if (!last.closed) fees += last.fees;
        }
        vm.assertEq(token.balanceOf(address(court)), tokens, "tokens are exactly what is owed");
        vm.assertEq(address(court).balance, fees, "wei are exactly what is owed");
    }
}
