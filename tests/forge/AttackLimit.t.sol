// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Disputable} from "./Disputable.sol";
import {IEscrowEvents, Job, JobState, JobTerms, Provider, Rates, Usage, UsageReport} from "./EscrowTest.sol";

/// @dev Every packed field at its limit: it refuses, stays where it is, or is cut by a rule; it never wraps.
contract AttackLimitTest is Disputable {
    uint256 private constant END = type(uint32).max; // in 2106
    uint256 private constant LAST = END - GRACE; // second at which a job may end
    uint64 private constant MOST = type(uint64).max;

    Provider private _record; // as the compiler packs it

    // ---- Money ----------------------------------------------------------------------------------------------

    function test_metrics_rates_reserves_and_deposit_at_their_limits_do_not_overflow() public {
        (JobTerms memory terms, bytes32 id) = largest();
        vm.warp(block.timestamp + 1_000_000_000);
        UsageReport[] memory reports = new UsageReport[](1);
        reports[0] = reportOf(id, 1, Usage(MOST, MOST, MOST, MOST));
        vm.expectEmit();
        uint64 most = uint64(type(uint24).max) * 1_000_000_000;
        emit IEscrowEvents.UsageReported(id, provider, 1, Usage(most, most, most, 1_000_000_000), type(uint72).max);
        vm.prank(provider);
        escrow.reportUsage(reports);
        assertState(id, JobState.Ended);
        vm.warp(block.timestamp + GRACE + 1);
        refund(terms, provider);
        vm.warp(block.timestamp + 2 * WINDOW);
        vm.assertEq(withdraw(provider, id, 1), type(uint72).max);
    }

    function test_the_largest_deposit_is_split_by_a_ruling_without_overflow() public {
        (JobTerms memory terms, bytes32 id) = largest();
        vm.warp(block.timestamp + 9);
        report(id, 1, Usage(MOST, MOST, MOST, MOST));
        ruleShare(openDispute(consumer, terms, 1, provider), 9_999);
        vm.assertEq(finalEarned(id, 1), uint256(type(uint72).max) * 9_999 / 10_000);
        withdraw(provider, id, 1);
        assertOnlyBondsAreLeft();
    }

    function test_a_top_up_of_any_size_never_wraps(uint256 amount) public {
        vm.assume(amount > type(uint72).max - DEPOSIT);
        (, bytes32 id) = posted();
        token.transfer(stranger, 1e28);
        vm.expectRevert();
        vm.prank(stranger);
        escrow.topUp(id, amount);
        vm.assertEq(escrow.jobs(id).deposit, DEPOSIT);
    }

    function test_capacity_up_to_its_field_is_bonded_and_comes_out_again() public {
        uint32 units = type(uint32).max;
        token.transfer(stranger, uint256(units) * BOND_PER_UNIT);
        vm.prank(stranger);
        escrow.register(units, rates());
        vm.prank(stranger);
        escrow.startUnbond();
        at(UNBOND_TIME);
        vm.prank(stranger);
        escrow.withdrawBond();
        vm.assertEq(token.balanceOf(stranger), 1e15 + uint256(units) * BOND_PER_UNIT);
    }

    // ---- Time -----------------------------------------------------------------------------------------------

    function test_a_job_that_would_outlive_the_clock_is_refused() public {
        vm.warp(LAST - 699);
        JobTerms memory terms = someTerms();
        vm.expectRevert(abi.encodeWithSelector(IEscrowEvents.BadTerms.selector));
        vm.prank(consumer);
        escrow.postJob(terms, DEPOSIT);
        vm.warp(LAST - 700);
        vm.prank(consumer);
        bytes32 id = escrow.postJob(terms, DEPOSIT);
        vm.warp(LAST - 600);
        claim(terms, 1, provider);
        vm.assertEq(escrow.jobs(id).deadline, LAST);
        vm.warp(END); // the last second of its grace
        assertState(id, JobState.Ended);
        complete(id, full(600));
        vm.assertEq(earned(id, 1), price(600));
        vm.assertEq(finalEarned(id, 1), 0);
        refund(terms, provider);
        vm.warp(END + 2 * WINDOW);
        vm.assertEq(withdraw(provider, id, 1), price(600));
        assertState(id, JobState.Closed);
    }

    function test_a_lapse_near_the_end_of_the_clock_cuts_what_does_not_fit() public {
        vm.warp(LAST - 800);
        JobTerms memory terms = someTerms();
        (terms.claimWithin, terms.duration) = (400, 400);
        vm.prank(consumer);
        bytes32 id = escrow.postJob(terms, DEPOSIT);
        vm.warp(LAST - 401);
        claim(terms, 1, provider);
        vm.warp(LAST - 101);
        report(id, 1, full(300));
        vm.warp(LAST - 70);
        escrow.lapseJob(terms, provider);
        Job memory job = escrow.jobs(id);
        vm.assertEq(job.deadline, END);
        vm.assertEq(job.duration, 100);
        vm.warp(LAST - 10);
        claim(terms, 2, rival);
        vm.assertEq(escrow.jobs(id).duration, 10);
        vm.warp(LAST + GRACE + 1);
        refund(terms, rival);
        vm.assertEq(token.balanceOf(consumer), 1e15 - price(300));
    }

    function test_an_unbonding_near_the_end_of_the_clock_waits_for_its_end() public {
        vm.warp(END - 10);
        vm.prank(provider);
        escrow.startUnbond();
        vm.assertEq(escrow.providers(provider).unbondAt, END);
        vm.expectRevert(abi.encodeWithSelector(IEscrowEvents.StillBonded.selector, END));
        vm.prank(provider);
        escrow.withdrawBond();
    }

    function test_the_shortest_job_pays_its_one_second() public {
        JobTerms memory terms = someTerms();
        (terms.claimWithin, terms.duration) = (1, 1);
        vm.prank(consumer);
        bytes32 id = escrow.postJob(terms, DEPOSIT);
        at(1);
        claim(terms, 1, provider);
        at(2);
        assertState(id, JobState.Ended);
        complete(id, full(9));
        vm.assertEq(earned(id, 1), price(1));
    }

    // ---- Counters -------------------------------------------------------------------------------------------

    function test_after_the_last_rate_card_there_is_no_other_and_all_else_goes_on() public {
        (, bytes32 id) = running();
        Provider memory record = escrow.providers(provider);
        record.rateCard = type(uint16).max;
        put(record);
        vm.expectRevert();
        vm.prank(provider);
        escrow.setRates(rates());
        at(10);
        complete(id, full(10));
        vm.assertEq(earned(id, 1), price(10));
        vm.prank(provider);
        escrow.startUnbond();
        at(10 + UNBOND_TIME);
        vm.prank(provider);
        escrow.withdrawBond();
    }

    function test_a_full_count_of_lapses_stays_full() public {
        (JobTerms memory terms,) = running();
        Provider memory record = escrow.providers(provider);
        record.lapsed = type(uint16).max;
        put(record);
        at(LAPSE_AFTER + 1);
        escrow.lapseJob(terms, provider);
        vm.assertEq(escrow.providers(provider).lapsed, type(uint16).max);
        vm.assertEq(escrow.providers(provider).completed, 0);
        vm.assertEq(escrow.providers(provider).reserved, 0);
    }

    function test_a_full_count_of_lost_disputes_stays_full() public {
        Provider memory record = escrow.providers(provider);
        record.disputesLost = type(uint16).max;
        put(record);
        (JobTerms memory terms,) = disputable();
        ruleShare(openDispute(consumer, terms, 1, provider), 0);
        record = escrow.providers(provider);
        vm.assertEq(record.disputesLost, type(uint16).max);
        vm.assertEq(record.lapsed, 0);
        vm.assertEq(record.bonded, BONDED - UNITS);
    }

    function test_a_full_record_of_earnings_stays_full_and_pays_all_the_same() public {
        (, bytes32 id) = running();
        Provider memory record = escrow.providers(provider);
        record.earned = type(uint80).max - 1;
        put(record);
        at(10);
        complete(id, full(10));
        vm.assertEq(escrow.providers(provider).earned, type(uint80).max);
        vm.assertEq(escrow.providers(provider).disputesLost, 0);
        at(200);
        vm.assertEq(withdraw(provider, id, 1), price(10));
    }

    function test_a_record_of_earnings_never_falls_below_nothing() public {
        (JobTerms memory terms,) = disputable();
        uint256 disputeId = openDispute(consumer, terms, 1, provider);
        Provider memory record = escrow.providers(provider);
        record.earned = 1;
        put(record);
        ruleShare(disputeId, 0);
        vm.assertEq(escrow.providers(provider).earned, 0);
    }

    // ---- Builders -------------------------------------------------------------------------------------------

    function put(Provider memory record) private {
        bytes32 word;
        _record = record;
        assembly ("memory-safe") {
            word := sload(_record.slot)
        }
        vm.store(address(escrow), keccak256(abi.encode(provider, 2)), word); // the ledger's third variable
        vm.assertEq(keccak256(abi.encode(escrow.providers(provider))), keccak256(abi.encode(record)));
    }

    /// @dev A running job in which everything is as large as it can be.
    function largest() private returns (JobTerms memory terms, bytes32 id) {
        Rates memory dear = Rates(MOST, MOST, MOST, MOST);
        uint24 most = type(uint24).max;
        token.transfer(provider, 1e20);
        vm.prank(provider);
        escrow.register(2 * uint32(most), dear);
        terms = someTerms();
        (terms.resources.cpuMillis, terms.resources.memoryMib, terms.resources.egressKibS) = (most, most, most);
        (terms.maxRates, terms.duration) = (dear, 2_000_000_000);
        token.transfer(consumer, type(uint72).max);
        vm.prank(consumer);
        id = escrow.postJob(terms, type(uint72).max);
        claim(terms, 1, provider);
    }
}
