// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {JobState} from "../EscrowTest.sol";
import {Vm} from "../Vm.sol";
import {Exit} from "./Exit.sol";
import {Move} from "./Market.sol";

/// @dev The laws of the money, held against any sequence of a handler's moves.
abstract contract Campaign {
    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    Vm internal constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));
    uint256 private constant ROUNDS = 16;
    uint256 private constant STATES = uint256(type(JobState).max) + 1;
    Exit internal handler;

    event log_named_uint(string key, uint256 value);

    function newHandler() internal virtual returns (Exit);

    /// @dev What this handler has beyond the common moves.
    function ownMoves() internal view virtual returns (bytes4[] memory);

    function setUp() public {
        handler = newHandler();
        handler.setUp();
    }

    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    function targetSelectors() public view returns (FuzzSelector[] memory targets) {
        targets = new FuzzSelector[](1);
        targets[0] = FuzzSelector(address(handler), moves());
    }

    function invariant_the_laws_of_the_money_hold() public view {
        handler.checkLaws();
    }

    /// @dev From wherever a sequence ended, all money comes out within `ALL_OUT` seconds.
    function afterInvariant() public {
        handler.checkLaws();
        handler.everybodyLeaves(uint128(uint256(keccak256(abi.encode(block.timestamp, handler.done(Move.Report))))));
        handler.checkLaws();
    }

    /// @dev Guards the laws against holding only because nothing ever happened.
    function test_every_move_and_every_step_between_states_happens() public {
        uint256 kinds = handler.MOVES();
        uint256[] memory done = new uint256[](kinds);
        bool[] memory stepped = new bool[](STATES * STATES);
        for (uint256 round = 0; round < ROUNDS; ++round) {
            this.play(round);
            for (uint256 m = 0; m < kinds; ++m) {
                done[m] += handler.done(Move(m));
            }
            for (uint256 s = 0; s < stepped.length; ++s) {
                stepped[s] = stepped[s] || handler.stepped(JobState(s / STATES), JobState(s % STATES));
            }
        }
        emit log_named_uint("seconds to the last token", handler.ALL_OUT());
        for (uint256 m = 0; m < kinds; ++m) {
            emit log_named_uint(
                string.concat("in 10,000 calls, successful: ", nameOf(m)), done[m] * 10_000 / (ROUNDS * callsARound())
            );
        }
        for (uint256 m = 0; m < kinds; ++m) {
            vm.assertGe(done[m] * 10_000, floorOf(m) * ROUNDS * callsARound(), "a move is made too seldom");
        }
        for (uint256 s = 0; s < stepped.length; ++s) {
            bool expected = handler.isInTable(JobState(s / STATES), JobState(s % STATES));
            vm.assertTrue(stepped[s] == expected, "a step of the table was never made");
        }
    }

    function play(uint256 round) external {
        bytes4[] memory selectors = moves();
        setUp();
        for (uint256 k = 0; k < callsARound(); ++k) {
            uint256 dice = uint256(keccak256(abi.encode(round, k)));
            bytes memory move =
                abi.encodePacked(selectors[dice % selectors.length], dice >> 8, keccak256(abi.encode(dice)));
            (bool success, bytes memory reason) = address(handler).call(move);
            if (!success) {
                assembly ("memory-safe") {
                    revert(add(reason, 32), mload(reason))
                }
            }
            if (k % 10 == 0) handler.checkLaws();
        }
        afterInvariant();
    }

    /// @dev The name of a move, for the log.
    function nameOf(uint256 m) private pure returns (string memory) {
        string[31] memory names = [
            "post",
            "post with permit",
            "top up",
            "claim",
            "report",
            "report a batch",
            "relay",
            "co-sign",
            "complete",
            "cancel an open job",
            "cancel a running job",
            "cancel by signature",
            "decline",
            "lapse",
            "refund",
            "withdraw runs",
            "withdraw credit",
            "bond",
            "set rates",
            "start to unbond",
            "withdraw the bond",
            "dispute",
            "dispute a lapsed run",
            "submit evidence",
            "rule",
            "rule by default",
            "appeal",
            "donate",
            "grief",
            "replay",
            "pass"
        ];
        return names[m];
    }

    function callsARound() internal pure virtual returns (uint256) {
        return 250;
    }

    /// @dev How often a move has to succeed in 10,000 calls, in the order of `Move`: once in a hundred; once in two
    /// hundred what needs another move first; once in a thousand what needs two, or ends what others need.
    function floorOf(uint256 m) internal pure virtual returns (uint256) {
        uint8[31] memory floors = [
            100,
            100,
            100,
            100,
            100,
            100,
            50,
            50,
            50, // post to complete
            10,
            10,
            50,
            10, // three ways to cancel, decline
            100,
            100,
            100,
            10, // lapse to withdraw credit
            100,
            100,
            10,
            10, // bonds
            100,
            10,
            50,
            50,
            50,
            50, // disputes
            100,
            100,
            100,
            100 // donate to pass
        ];
        return floors[m];
    }

    function moves() private view returns (bytes4[] memory all) {
        bytes4[] memory own = ownMoves();
        // The more often, the more of what comes after depends on it.
        bytes4[19] memory work = [
            handler.post.selector,
            handler.post.selector,
            handler.post.selector,
            handler.postWithPermit.selector,
            handler.topUp.selector,
            handler.claim.selector,
            handler.claim.selector,
            handler.claim.selector,
            handler.claim.selector,
            handler.claim.selector,
            handler.report.selector,
            handler.report.selector,
            handler.report.selector,
            handler.report.selector,
            handler.reportBatch.selector,
            handler.relay.selector,
            handler.relay.selector,
            handler.coSign.selector,
            handler.complete.selector
        ];
        bytes4[27] memory rest = [
            handler.cancel.selector,
            handler.cancelSigned.selector,
            handler.decline.selector,
            handler.lapse.selector,
            handler.lapse.selector,
            handler.refund.selector,
            handler.withdraw.selector,
            handler.withdraw.selector,
            handler.bond.selector,
            handler.bond.selector,
            handler.setRates.selector,
            handler.startUnbond.selector,
            handler.withdrawBond.selector,
            handler.withdrawBond.selector,
            handler.dispute.selector,
            handler.dispute.selector,
            handler.dispute.selector,
            handler.dispute.selector,
            handler.evidence.selector,
            handler.ruleByDefault.selector,
            handler.ruleByDefault.selector,
            handler.donate.selector,
            handler.grief.selector,
            handler.replay.selector,
            handler.pass.selector,
            handler.pass.selector,
            handler.pass.selector
        ];
        all = new bytes4[](work.length + rest.length + own.length);
        for (uint256 k = 0; k < all.length; ++k) {
            if (k < work.length) all[k] = work[k];
            else if (k < work.length + rest.length) all[k] = rest[k - work.length];
            else all[k] = own[k - work.length - rest.length];
        }
    }
}
