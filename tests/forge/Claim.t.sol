// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {EscrowTest, IEscrowEvents, JobState, JobTerms, Provider, Rates, Run, RunState} from "./EscrowTest.sol";
import {HostileWallet} from "./HostileWallet.sol";

contract ClaimTest is EscrowTest {
    bytes private invalid = abi.encodeWithSelector(IEscrowEvents.SignatureInvalid.selector);
    uint64 private constant UNTIL = uint64(T0 + 60);

    function test_a_claim_with_the_schedulers_assignment_starts_the_run() public {
        (JobTerms memory terms, bytes32 id) = posted();
        at(5);
        claim(terms, 1, provider);
        assertState(id, JobState.Running);
        Run memory run = escrow.runs(id, 1, provider);
        vm.assertEq(uint256(run.state), uint256(RunState.Live));
        vm.assertEq(run.reportedAt, T0 + 5);
        vm.assertEq(run.earned, 0);
        vm.assertEq(escrow.jobs(id).deadline, T0 + 5 + terms.duration);
        vm.assertEq(escrow.jobs(id).rateCard, 1);
    }

    function test_a_claim_tells_image_rate_card_and_end() public {
        (JobTerms memory terms, bytes32 id) = posted();
        bytes memory signature = assigned(id, 1, provider, UNTIL);
        vm.expectEmit();
        emit IEscrowEvents.JobClaimed(id, provider, 1, 1, bytes32("image"), T0 + 600);
        vm.prank(provider);
        escrow.claimJob(terms, bytes32("image"), UNTIL, signature);
    }

    function test_a_job_without_scheduler_is_anybodys_to_claim() public {
        JobTerms memory terms = someTerms();
        terms.scheduler = address(0);
        vm.prank(consumer);
        bytes32 id = escrow.postJob(terms, DEPOSIT);
        vm.prank(rival);
        escrow.claimJob(terms, 0, 0, "");
        vm.assertEq(uint256(escrow.runs(id, 1, rival).state), uint256(RunState.Live));
    }

    function test_a_stolen_assignment_is_of_no_use_to_another_provider() public {
        (JobTerms memory terms, bytes32 id) = posted();
        refusesClaim(rival, terms, UNTIL, assigned(id, 1, provider, UNTIL), invalid);
    }

    function test_an_assignment_binds_job_attempt_image_and_deadline() public {
        (JobTerms memory terms, bytes32 id) = posted();
        (JobTerms memory others,) = posted();
        bytes memory signature = assigned(id, 1, provider, UNTIL);
        refusesClaim(provider, others, UNTIL, signature, invalid);
        refusesClaim(provider, terms, UNTIL + 1, signature, invalid);
        refusesClaim(provider, terms, UNTIL, assigned(id, 2, provider, UNTIL), invalid);
        vm.expectRevert(invalid);
        vm.prank(provider);
        escrow.claimJob(terms, bytes32("swapped"), UNTIL, signature);
    }

    function test_an_assignment_by_another_key_or_of_no_shape_is_refused() public {
        (JobTerms memory terms, bytes32 id) = posted();
        refusesClaim(provider, terms, UNTIL, "", invalid);
        refusesClaim(provider, terms, UNTIL, new bytes(65), invalid);
        bytes memory signature = assigned(id, 1, provider, UNTIL);
        refusesClaim(provider, terms, UNTIL, abi.encodePacked(signature, uint8(0)), invalid);
        terms = someTerms();
        terms.scheduler = stranger;
        vm.prank(consumer);
        id = escrow.postJob(terms, DEPOSIT);
        refusesClaim(provider, terms, UNTIL, assigned(id, 1, provider, UNTIL), invalid);
    }

    function test_an_assignment_is_used_until_its_last_second_and_no_later() public {
        (JobTerms memory terms, bytes32 id) = posted();
        bytes memory signature = assigned(id, 1, provider, UNTIL);
        at(61);
        bytes memory late = abi.encodeWithSelector(IEscrowEvents.SignatureExpired.selector, UNTIL);
        refusesClaim(provider, terms, UNTIL, signature, late);
        at(60);
        vm.prank(provider);
        escrow.claimJob(terms, bytes32("image"), UNTIL, signature);
        assertState(id, JobState.Running);
    }

    function test_a_scheduler_may_be_a_contract() public {
        JobTerms memory terms = someTerms();
        terms.scheduler = address(new HostileWallet(HostileWallet.Mood.Honest));
        vm.prank(consumer);
        bytes32 id = escrow.postJob(terms, DEPOSIT);
        refusesClaim(provider, terms, UNTIL, "no", invalid);
        vm.prank(provider);
        escrow.claimJob(terms, bytes32("image"), UNTIL, "yes");
        assertState(id, JobState.Running);
    }

    function test_a_contract_that_does_not_answer_as_a_signer_signs_nothing() public {
        JobTerms memory terms = someTerms();
        terms.scheduler = address(token);
        vm.prank(consumer);
        escrow.postJob(terms, DEPOSIT);
        refusesClaim(provider, terms, UNTIL, "", invalid);
    }

    function test_a_job_is_claimed_once_and_never_after_its_deadline() public {
        (JobTerms memory terms, bytes32 id) = running();
        refusesClaim(rival, terms, UNTIL, assigned(id, 1, rival, UNTIL), wrongState(id, JobState.Running));
        (terms, id) = posted();
        uint64 later = uint64(T0 + 200);
        bytes memory signature = assigned(id, 1, rival, later);
        at(101);
        refusesClaim(rival, terms, later, signature, wrongState(id, JobState.Ended));
        at(100);
        vm.prank(rival);
        escrow.claimJob(terms, bytes32("image"), later, signature);
    }

    function test_a_claim_needs_a_registered_provider_that_is_not_leaving() public {
        (JobTerms memory terms, bytes32 id) = posted();
        bytes memory unknown = abi.encodeWithSelector(IEscrowEvents.NotRegistered.selector, stranger);
        refusesClaim(stranger, terms, UNTIL, assigned(id, 1, stranger, UNTIL), unknown);
        vm.prank(rival);
        escrow.startUnbond();
        bytes memory leaving = abi.encodeWithSelector(IEscrowEvents.StillBonded.selector, T0 + UNBOND_TIME);
        refusesClaim(rival, terms, UNTIL, assigned(id, 1, rival, UNTIL), leaving);
    }

    function test_a_claim_needs_every_rate_within_the_consumers() public {
        (JobTerms memory terms, bytes32 id) = posted();
        Rates[4] memory dear = [Rates(2001, 0, 0, 0), Rates(0, 31, 0, 0), Rates(0, 0, 8, 0), Rates(0, 0, 0, 101)];
        bytes memory signature = assigned(id, 1, provider, UNTIL);
        for (uint256 i = 0; i < dear.length; ++i) {
            vm.prank(provider);
            escrow.setRates(dear[i]);
            refusesClaim(provider, terms, UNTIL, signature, abi.encodeWithSelector(IEscrowEvents.RatesTooHigh.selector));
        }
        vm.prank(provider);
        escrow.setRates(terms.maxRates);
        claim(terms, 1, provider);
    }

    function test_claims_reserve_capacity_until_the_bond_is_used_up() public {
        for (uint256 i = 0; i < 20; ++i) {
            running();
        }
        vm.assertEq(escrow.providers(provider).reserved, BONDED);
        (JobTerms memory terms, bytes32 id) = posted();
        bytes memory small = abi.encodeWithSelector(IEscrowEvents.BondTooSmall.selector, BONDED, BONDED + UNITS);
        refusesClaim(provider, terms, UNTIL, assigned(id, 1, provider, UNTIL), small);
        vm.prank(provider);
        escrow.register(UNITS, rates());
        claim(terms, 1, provider);
        Provider memory record = escrow.providers(provider);
        vm.assertEq(record.reserved, record.bonded);
    }

    function refusesClaim(address who, JobTerms memory terms, uint64 deadline, bytes memory signature, bytes memory why)
        private
    {
        vm.expectRevert(why);
        vm.prank(who);
        escrow.claimJob(terms, bytes32("image"), deadline, signature);
    }
}
