// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Job, JobState, Run, RunState} from "../EscrowTest.sol";
import {ProviderMoves} from "./ProviderMoves.sol";
import {Move} from "./Market.sol";

/// @dev Disputes, and what each ruling must do, whoever gives it.
abstract contract DisputeMoves is ProviderMoves {
    /// @dev How a ruling should part the money that waits for it.
    struct Parts {
        uint256 frozen;
        uint256 toProvider;
        uint256 slashed;
        uint256 costs; // of the opener, by the loser
        uint256 opener; // the credits of the three as they will be
        uint256 consumer;
        uint256 provider;
    }

    function dispute(uint256 seed) external watched {
        bool lapsedOne = seed % 2 == 1;
        (bool found, uint256 i, uint256 attempt) = findDisputable(seed, !lapsedOne);
        if (!found) (found, i, attempt) = findDisputable(seed, lapsedOne);
        if (!found) return;
        // Sometimes at the first second at which a part of it is final.
        Run memory run = runOf(i, attempt);
        uint256 partly = (run.reportedAt / WINDOW + 1) * WINDOW;
        if (seed % 3 == 0 && run.earned > run.previous && block.timestamp < partly) vm.warp(partly);
        look(i);
        address who = partyOf(i, attempt, seed >> 8);
        uint256 finalBefore = finalOf(i, attempt);
        openCase(i, attempt, who);
        vm.assertEq(finalOf(i, attempt), finalBefore, "[8] a dispute freezes only what is not final");
        bool isCurrent = attempt == deals[i].attempts;
        vm.assertTrue(stateOf(i) == JobState.Disputed || !isCurrent, "[8] and the rest of the deposit");
        finish(i, isCurrent ? Move.Dispute : Move.DisputeLapsed);
    }

    function openCase(uint256 i, uint256 attempt, address who) private {
        Run memory run = runOf(i, attempt);
        bool isLate = block.timestamp > deals[i].until + GRACE;
        address of_ = attempts[i][attempt].runner;
        mustFail(stranger, abi.encodeCall(escrow.dispute, (deals[i].terms, uint8(attempt), of_, "/ipfs/a")));
        uint256 fee = escrow.disputeFee();
        vm.prank(who);
        uint256 id = escrow.dispute{value: fee}(deals[i].terms, uint8(attempt), of_, "/ipfs/a");
        tokensIn += DISPUTE_BOND;
        uint256 unreported = 0;
        if (run.state == RunState.Live) {
            noteEnd(i);
            noteSettled(of_);
            if (!isLate) unreported = unreportedOf(i, attempt, run.reportedAt);
        }
        vm.assertEq(escrow.disputes(id).unreported, unreported, "[16] what ran unreported");
        cases.push(Case(id, i, uint8(attempt), who, block.timestamp, unreported));
    }

    /// @dev What a run that a dispute ended may have earned since its last report, at full reserve.
    function unreportedOf(uint256 i, uint256 attempt, uint256 reportedAt) private view returns (uint256) {
        uint256 until = deals[i].until;
        uint256 span = until > reportedAt ? until - reportedAt : 0;
        return _least(mostFor(i, attempt, span), jobOf(i).deposit);
    }

    function evidence(uint256 seed) external watched {
        if (cases.length == 0) return;
        Case storage c = cases[seed % cases.length];
        address[3] memory parties = [deals[c.deal].terms.consumer, attempts[c.deal][c.attempt].runner, c.opener];
        vm.prank(parties[(seed >> 8) % 3]);
        escrow.submitEvidence(c.id, "/ipfs/b");
        ++done[Move.Evidence];
    }

    /// @dev [15] Anybody ends a dispute that nobody has ruled in time, and nobody before.
    function ruleByDefault(uint256 seed) external watched {
        if (cases.length == 0) return;
        uint256 place = seed % cases.length;
        uint256 dueAt = cases[place].openedAt + RULING_TIME + 1;
        if (block.timestamp < dueAt) {
            mustFail(relayer, abi.encodeCall(escrow.ruleByDefault, (cases[place].id)));
            if (seed % 8 != 0) return;
            vm.warp(dueAt);
        }
        doRuleByDefault(place);
        ++done[Move.RuleByDefault];
    }

    function doRuleByDefault(uint256 place) internal {
        look(cases[place].deal);
        Parts memory parts = foreseeRuling(place, 0);
        vm.prank(relayer);
        escrow.ruleByDefault(cases[place].id);
        noteRuling(place, parts);
    }

    function isDue(uint256 place) internal view returns (bool) {
        return block.timestamp > cases[place].openedAt + RULING_TIME;
    }

    function partyOf(uint256 i, uint256 attempt, uint256 seed) internal view returns (address) {
        address third = deals[i].terms.watcher;
        if (seed % 3 == 0 && third != address(0)) return third;
        return seed % 3 == 1 ? attempts[i][attempt].runner : deals[i].terms.consumer;
    }

    // ---- What a ruling does ---------------------------------------------------------------------------------

    /// @param ruling 0 for refused or by default, else 1 + share
    function foreseeRuling(uint256 place, uint256 ruling) internal returns (Parts memory parts) {
        Case memory c = cases[place];
        address payer = deals[c.deal].terms.consumer;
        address who = attempts[c.deal][c.attempt].runner;
        Run memory run = runOf(c.deal, c.attempt);
        uint256 share = ruling == 0 ? 5000 : ruling - 1;
        parts.frozen = run.earned - run.previous;
        parts.toProvider = parts.frozen * share / 10_000;
        if (share < 5000) {
            bool openerWon = c.opener != who;
            parts.slashed = noteSlash(who, unitsOf(c.deal));
            parts.costs = openerWon ? _least(DISPUTE_BOND, parts.slashed) : 0;
            burned += parts.slashed - parts.costs;
            noteCredit(openerWon ? c.opener : payer, DISPUTE_BOND + parts.costs);
            ++lost[who];
        } else if (share > 5000) {
            uint256 owed = c.opener == who ? DISPUTE_BOND : c.unreported;
            parts.costs = c.attempt == deals[c.deal].attempts ? _least(owed, jobOf(c.deal).deposit) : 0;
            deals[c.deal].compensation += parts.costs;
            noteCredit(who, DISPUTE_BOND + parts.costs);
        } else {
            noteCredit(c.opener, DISPUTE_BOND);
        }
        noteCredit(payer, parts.frozen - parts.toProvider);
        deals[c.deal].ruledAway += parts.frozen - parts.toProvider;
        (parts.opener, parts.consumer, parts.provider) = (creditDue(c.opener), creditDue(payer), creditDue(who));
    }

    function noteRuling(uint256 place, Parts memory parts) internal {
        Case memory c = cases[place];
        Run memory run = runOf(c.deal, c.attempt);
        address payer = deals[c.deal].terms.consumer;
        address who = attempts[c.deal][c.attempt].runner;
        vm.assertEq(run.earned - run.previous, parts.toProvider, "[16] the provider's part");
        vm.assertTrue(run.state == RunState.Ruled, "[15] ruled");
        vm.assertEq(escrow.creditOf(payer), parts.consumer, "[16] the consumer's part");
        vm.assertEq(escrow.creditOf(who), parts.provider, "[16] the provider's credit");
        vm.assertEq(escrow.creditOf(c.opener), parts.opener, "[16] the opener's bond and costs");
        vm.assertTrue(!escrow.disputes(c.id).open, "[15] closed");
        cases[place] = cases[cases.length - 1];
        cases.pop();
        look(c.deal);
    }
}
