// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Job, JobState, JobTerms, Rates, Resources} from "../EscrowTest.sol";
import {History} from "./History.sol";
import {Move} from "./Market.sol";

/// @dev What consumers and their schedulers do, each where it must succeed.
abstract contract ConsumerMoves is History {
    bytes32 private constant PERMIT =
        keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)");

    function post(uint256 seed, uint256 amount) external watched {
        (bool free, uint256 i) = place(seed);
        if (!free) return;
        JobTerms memory terms = varied(seed);
        uint256 deposit = depositFrom(seed, amount);
        vm.prank(terms.consumer);
        escrow.postJob(terms, deposit);
        notePosted(i, terms, deposit, Move.Post);
    }

    /// @dev Also when somebody was quicker and used the permit first.
    function postWithPermit(uint256 seed, uint256 amount) external watched {
        (bool free, uint256 i) = place(seed);
        if (!free) return;
        JobTerms memory terms = varied(seed);
        uint256 deposit = depositFrom(seed, amount);
        (uint8 v, bytes32 r, bytes32 s) = permitBy(terms.consumer, deposit);
        if (seed % 2 == 0) {
            vm.prank(relayer);
            token.permit(terms.consumer, address(escrow), deposit, type(uint256).max, v, r, s);
        }
        vm.prank(terms.consumer);
        escrow.postJobWithPermit(terms, deposit, type(uint256).max, v, r, s);
        vm.assertEq(token.allowance(terms.consumer, address(escrow)), 0, "the permit, and no more, is used");
        approve(terms.consumer);
        notePosted(i, terms, deposit, Move.PostWithPermit);
    }

    function topUp(uint256 seed, uint256 amount) external watched {
        (bool found, uint256 i) = find(seed, seed % 3 == 0 ? JobState.Open : JobState.Running);
        if (!found) (found, i) = find(seed, seed % 3 == 0 ? JobState.Running : JobState.Open);
        if (!found) return;
        uint256 room = type(uint72).max - jobOf(i).deposit;
        amount = 1 + amount % 1e9;
        if (room < amount) return;
        look(i);
        vm.prank(donor);
        escrow.topUp(deals[i].id, amount);
        deals[i].paidIn += amount;
        tokensIn += amount;
        finish(i, Move.TopUp);
    }

    function cancel(uint256 seed) external watched {
        bool open = seed % 8 < 3;
        (bool found, uint256 i) = find(seed, open ? JobState.Open : JobState.Running);
        if (!found || seed % 3 == 0) return;
        look(i);
        uint256 before = token.balanceOf(deals[i].terms.consumer);
        vm.prank(deals[i].terms.consumer);
        escrow.cancelJob(deals[i].termsHash);
        noteCancelled(i, open, before);
        finish(i, open ? Move.CancelOpen : Move.CancelRunning);
    }

    function decline(uint256 seed) external watched {
        (bool found, uint256 i) = find(seed, JobState.Open);
        if (!found || deals[i].terms.scheduler == address(0) || seed % 2 == 0) return;
        look(i);
        uint256 before = token.balanceOf(deals[i].terms.consumer);
        vm.prank(scheduler);
        escrow.declineJob(deals[i].terms, "it does not build");
        noteCancelled(i, true, before);
        finish(i, Move.Decline);
    }

    function finish(uint256 i, Move move) internal {
        ++done[move];
        look(i);
    }

    /// @dev An open job pays its whole deposit back at once; a running one ends, and pays nothing yet.
    function noteCancelled(uint256 i, bool open, uint256 before) internal {
        uint256 due = open ? deals[i].paidIn - spent(i) : 0;
        vm.assertEq(token.balanceOf(deals[i].terms.consumer) - before, due, "[27] an open job is refunded in full");
        deals[i].refunded += due;
        tokensOut += due;
        if (!open) noteEnd(i);
    }

    /// @dev What attempts that are over have taken of a job's deposits, and what was refunded.
    function spent(uint256 i) internal view returns (uint256 sum) {
        sum = deals[i].refunded + deals[i].ruledAway + deals[i].compensation;
        for (uint256 a = 1; a <= deals[i].attempts; ++a) {
            if (attempts[i][a].runner != address(0)) sum += runOf(i, a).earned;
        }
    }

    // ---- Terms ----------------------------------------------------------------------------------------------

    function varied(uint256 seed) private returns (JobTerms memory terms) {
        terms = someTerms();
        terms.consumer = seed % 3 == 0 ? both : consumer;
        if (seed % 5 < 2) terms.scheduler = address(0);
        if (seed % 7 == 0) terms.watcher = address(0);
        terms.duration = uint32(seed % 11 == 0 ? 1 + seed % 30 : 60 + seed % (LONGEST_RUN - 59));
        terms.claimWithin = uint32(1 + (seed >> 16) % (seed % 10 == 0 ? 5 : LONGEST_CLAIM));
        if (seed % 13 == 0) terms.resources = Resources(type(uint16).max / 4, 1, 0);
        if (seed % 17 == 0) terms.resources = Resources(1, 1, type(uint24).max);
        if (seed % 19 == 0) terms.maxRates = Rates(1000, 20, 5, 50);
    }

    /// @dev Dust, the largest there can be, what runs out on the way, and what is plenty.
    function depositFrom(uint256 seed, uint256 amount) private pure returns (uint256) {
        if (seed % 12 == 0) return 1 + amount % 3;
        if (seed % 23 == 0) return type(uint72).max;
        return price(10 + amount % 700) + amount % 7;
    }

    function notePosted(uint256 i, JobTerms memory terms, uint256 deposit, Move move) private {
        Deal storage deal = deals[i];
        deal.termsHash = termsHashOf(terms);
        deal.id = keccak256(abi.encode(block.chainid, address(escrow), terms.consumer, deal.termsHash));
        deal.terms = terms;
        deal.paidIn = deposit;
        deal.until = block.timestamp + terms.claimWithin;
        deal.left = terms.duration;
        deal.attempts = 1;
        tokensIn += deposit;
        finish(i, move);
        Job memory job = jobOf(i);
        vm.assertEq(job.deposit, deposit, "[24] the deposit is kept whole");
        vm.assertEq(job.cpuMillis, terms.resources.cpuMillis, "[24] the reserve is kept whole");
    }

    function permitBy(address owner, uint256 value) private view returns (uint8 v, bytes32 r, bytes32 s) {
        bytes32 message =
            keccak256(abi.encode(PERMIT, owner, address(escrow), value, token.nonces(owner), type(uint256).max));
        return vm.sign(keyOf(owner), keccak256(abi.encodePacked("\x19\x01", token.DOMAIN_SEPARATOR(), message)));
    }
}
