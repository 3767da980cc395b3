// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {JobState, Provider, Rates, Run, RunRef, RunState, Usage, UsageReport} from "../EscrowTest.sol";
import {RelayMoves} from "./RelayMoves.sol";
import {Move} from "./Market.sol";

/// @dev What providers do with their bond, their runs and their money, each where it must succeed.
abstract contract ProviderMoves is RelayMoves {
    function claim(uint256 seed) external watched {
        (bool found, uint256 i) = find(seed, JobState.Open);
        if (!found) return;
        address who = runnerAt(seed >> 8);
        for (uint256 k = 0; k < PROVIDERS && !mayClaim(who, i); ++k) {
            mustFail(who, claimCall(who, i)); // [19]
            who = runnerAt(k);
        }
        if (!mayClaim(who, i)) return mustFail(who, claimCall(who, i));
        look(i);
        bytes32 before = pastOf(i);
        uint8 attempt = uint8(deals[i].attempts); // far fewer
        bytes memory call = claimCall(who, i);
        act(who, call);
        if (deals[i].terms.scheduler != address(0)) noteUsed(who, call);
        Attempt storage run = attempts[i][attempt];
        (run.runner, run.claimedAt, run.reportedAt) = (who, block.timestamp, block.timestamp);
        run.rates = ratesNow[who];
        deals[i].until = block.timestamp + deals[i].left;
        vm.assertTrue(pastOf(i) == before, "[11] a claim leaves earlier attempts as they were");
        vm.assertLe(recordOf(who).reserved, bonded[who], "[19] no more reserved than bonded");
        finish(i, Move.Claim);
    }

    /// @dev From honest to far above the cap; sometimes twice in one block, or in two steps instead of one.
    function report(uint256 seed, uint256 amount) external watched {
        (bool found, uint256 i) = findReportable(seed);
        if (!found) return;
        if (seed % 6 == 0) toEpoch(i, 1);
        look(i);
        UsageReport[] memory one = new UsageReport[](1);
        one[0] = nextReport(i, seed >> 8, amount);
        uint256 times = seed % 5 == 0 ? 2 : 1;
        for (uint256 k = 0; k < times; ++k) {
            Booking memory b = foresee(i, one[0]);
            vm.prank(b.runner);
            escrow.reportUsage(one);
            noteReport(b); // [23] the second time it is worth what the first was
        }
        ++done[Move.Report];
    }

    function complete(uint256 seed, uint256 amount) external watched {
        (bool found, uint256 i) = findReportable(seed);
        if (!found || seed % 3 == 0) return;
        if (seed % 3 == 1) toEpoch(i, 1 + (seed >> 2) % 2);
        look(i);
        UsageReport memory last = nextReport(i, seed >> 8, amount);
        Booking memory b = foresee(i, last);
        vm.prank(b.runner);
        escrow.completeJob(last, 0, "");
        ++completed[b.runner];
        noteEnd(i);
        noteSettled(b.runner);
        noteReport(b);
        ++done[Move.Complete];
    }

    /// @dev Runs and credit, or credit alone, by anybody who has some.
    function withdraw(uint256 seed) external watched {
        for (uint256 k = 0; k < PEOPLE; ++k) {
            address who = person(seed % PEOPLE + k);
            RunRef[] memory refs = seed % 3 == 0 ? new RunRef[](0) : refsOf(who);
            if (doWithdraw(who, refs) == 0) continue;
            ++done[refs.length == 0 ? Move.WithdrawCredit : Move.WithdrawRuns];
            return;
        }
    }

    function bond(uint256 seed) external watched {
        address who = runnerAt(seed);
        uint32 units = uint32(seed >> 8) % (4 * UNITS); // perhaps none: that ends an unbonding
        if (bonded[who] > 8 * UNITS) units = 0;
        if (units == 0 && (unbondAt[who] == 0 || seed % 4 != 0)) return;
        enlist(who, units, ratesNow[who]);
        ++done[Move.Bond];
    }

    function setRates(uint256 seed) external watched {
        address who = runnerAt(seed);
        if (seed % 3 == 0) return;
        Rates memory card = rates();
        if (seed % 4 == 1) card = Rates(uint64(seed >> 32) % 2001, uint64(seed >> 8) % 31, 7, 100);
        if (seed % 16 == 2) card = Rates(2001, 0, 0, 0); // above every limit
        vm.prank(who);
        escrow.setRates(card);
        ratesNow[who] = card;
        ++done[Move.SetRates];
    }

    function startUnbond(uint256 seed) external watched {
        address who = runnerAt(seed);
        if (unbondAt[who] != 0 || seed % 3 != 0) return;
        doStartUnbond(who);
        ++done[Move.StartUnbond];
    }

    /// @dev Waits, sometimes, until the bond is free.
    function withdrawBond(uint256 seed) external watched {
        if (seed % 4 == 1) return tryReservedBond();
        address who = runnerAt(seed);
        for (uint256 k = 0; k < PROVIDERS && (unbondAt[who] == 0 || recordOf(who).reserved != 0); ++k) {
            who = runnerAt(k);
        }
        if (unbondAt[who] == 0 || recordOf(who).reserved != 0) return;
        if (seed % 4 == 0 && block.timestamp < unbondAt[who]) vm.warp(unbondAt[who]);
        if (block.timestamp < unbondAt[who]) return;
        doWithdrawBond(who);
        ++done[Move.WithdrawBond];
    }

    // ---- What the moves are made of -------------------------------------------------------------------------

    /// @dev Where a report rolls the buckets, unless it would come too late.
    function toEpoch(uint256 i, uint256 ahead) private {
        uint256 next = (block.timestamp / WINDOW + ahead) * WINDOW;
        if (next <= deals[i].until + GRACE) vm.warp(next);
    }

    function claimCall(address who, uint256 i) internal view returns (bytes memory) {
        bytes memory signature = assigned(deals[i].id, uint8(deals[i].attempts), who, type(uint64).max);
        return abi.encodeCall(escrow.claimJob, (deals[i].terms, "image", type(uint64).max, signature));
    }

    function mayClaim(address who, uint256 i) internal view returns (bool) {
        Rates storage card = ratesNow[who];
        Rates storage limit = deals[i].terms.maxRates;
        if (card.cpuMs > limit.cpuMs || card.memoryMibS > limit.memoryMibS) return false;
        if (card.egressKib > limit.egressKib || card.wallS > limit.wallS || unbondAt[who] != 0) return false;
        return recordOf(who).reserved + unitsOf(i) <= bonded[who];
    }

    function doWithdraw(address who, RunRef[] memory refs) internal returns (uint256 due) {
        due = creditDue(who);
        for (uint256 i = 0; i < deals.length && refs.length != 0; ++i) {
            for (uint256 a = 1; a <= deals[i].attempts; ++a) {
                if (attempts[i][a].runner != who) continue;
                uint256 amount = escrow.withdrawableOf(deals[i].id, uint8(a), who);
                attempts[i][a].paid += amount;
                due += amount;
            }
        }
        if (due == 0) return 0;
        creditPaid[who] += creditDue(who);
        tokensOut += due;
        uint256 before = token.balanceOf(who);
        vm.prank(who);
        uint256 paid = escrow.withdraw(refs);
        vm.assertEq(paid, due, "[27] a withdrawal pays what the views say");
        vm.assertEq(token.balanceOf(who) - before, due, "[27] a withdrawal moves what it says");
    }

    function doStartUnbond(address who) internal {
        vm.prank(who);
        escrow.startUnbond();
        unbondAt[who] = block.timestamp + UNBOND_TIME;
    }

    /// @dev [19] However long it waits, a bond stays for a run that is not settled.
    function tryReservedBond() private {
        for (uint256 k = 0; k < PROVIDERS; ++k) {
            address who = runnerAt(k);
            if (unbondAt[who] == 0 || recordOf(who).reserved == 0) continue;
            if (block.timestamp < unbondAt[who]) vm.warp(unbondAt[who]);
            return mustFail(who, abi.encodeCall(escrow.withdrawBond, ()));
        }
    }

    /// @dev [19] By then no run of his can be disputed, and no dispute over one be ruled but evenly.
    function doWithdrawBond(address who) internal {
        for (uint256 i = 0; i < deals.length; ++i) {
            for (uint256 a = 1; a <= deals[i].attempts; ++a) {
                if (attempts[i][a].runner != who) continue;
                Run memory run = runOf(i, a);
                vm.assertTrue(run.state != RunState.Live, "[19] a bond left a run behind");
                if (run.state == RunState.Settled) {
                    vm.assertEq(finalOf(i, a), run.earned, "[19] a bond left while a dispute was possible");
                }
                vm.assertTrue(!isContested(i, a), "[19] a bond left while a dispute was open");
            }
        }
        uint256 due = bonded[who] * BOND_PER_UNIT;
        uint256 before = token.balanceOf(who);
        vm.prank(who);
        escrow.withdrawBond();
        vm.assertEq(token.balanceOf(who) - before, due, "[24] all of the bond comes back");
        tokensOut += due;
        (bonded[who], unbondAt[who]) = (0, 0);
    }

    function isContested(uint256 i, uint256 attempt) private view returns (bool) {
        for (uint256 k = 0; k < cases.length; ++k) {
            if (cases[k].deal != i || cases[k].attempt != attempt) continue;
            return block.timestamp <= cases[k].openedAt + RULING_TIME;
        }
        return false;
    }
}
