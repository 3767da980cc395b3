// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Books} from "./Books.sol";

/// @dev [14] From wherever a campaign has come: nobody does anything for anybody else any more, and all leave.
abstract contract Exit is Books {
    /// @dev Seconds after which nobody has anything in the escrow but a bond: the longest run and the time for its last
    /// report. A claim's time, two windows and a ruling's time are all shorter.
    uint256 public constant MONEY_OUT = LONGEST_RUN + GRACE + 1;
    /// @dev Seconds after which the bonds are out too: a run that nobody settled before holds its bond anew.
    uint256 public constant ALL_OUT = MONEY_OUT + UNBOND_TIME;

    /// @dev Each acts alone, in an order that the seed chooses, and gets what he would have got in any other.
    function everybodyLeaves(uint128 seed) external {
        for (uint256 k = 0; k < PROVIDERS; ++k) {
            if (bonded[runnerAt(k)] != 0 && unbondAt[runnerAt(k)] == 0) doStartUnbond(runnerAt(k));
        }
        vm.warp(block.timestamp + MONEY_OUT);
        for (uint256 i = 0; i < deals.length; ++i) {
            look(i);
        }
        uint256[PEOPLE] memory alone;
        for (uint256 k = 0; k < PEOPLE; ++k) {
            alone[k] = uint256(rehearsal(abi.encodeCall(this.leaveAlone, (person(k)))));
        }
        for (uint256 k = 0; k < PEOPLE; ++k) {
            // An odd step reaches all of eight.
            uint256 turn = (uint256(seed) + (2 * uint256(seed >> 8) + 1) * k) % PEOPLE;
            leave(person(turn));
            vm.assertEq(token.balanceOf(person(turn)), alone[turn], "[14] an exit depends on who left before");
        }
        vm.assertEq(cases.length, 0, "[15] a dispute is still open");
        vm.warp(block.timestamp + UNBOND_TIME);
        for (uint256 k = 0; k < PROVIDERS; ++k) {
            address who = runnerAt(uint256(seed) + k);
            vm.assertEq(recordOf(who).reserved, 0, "[14][19] something is still reserved");
            if (bonded[who] != 0) doWithdrawBond(who);
        }
        vm.assertEq(token.balanceOf(address(escrow)), donated + burned, "[14] not everything came out");
    }

    function leaveAlone(address who) external {
        leave(who);
        revert Rehearsed(bytes32(token.balanceOf(who)));
    }

    /// @dev All that one person needs, and no more: the disputes he is a party of, the jobs he pays or ran, his money.
    function leave(address who) private {
        for (uint256 k = cases.length; k > 0; --k) {
            Case storage c = cases[k - 1];
            bool party = who == c.opener || who == deals[c.deal].terms.consumer;
            if (party || who == attempts[c.deal][c.attempt].runner) doRuleByDefault(k - 1);
        }
        for (uint256 i = 0; i < deals.length; ++i) {
            bool party = who == deals[i].terms.consumer || who == runner(i);
            if (party && isRefundable(i)) doRefund(i, who);
        }
        doWithdraw(who, refsOf(who));
    }
}
