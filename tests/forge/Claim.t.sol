// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Assignment, EscrowTest, IDRaaSEscrow, JobState, JobTerms, Rates} from "./EscrowTest.sol";

/// @dev A scheduler that is a contract: accepts what its owner's key signed.
contract ContractScheduler {
    bytes32 private immutable _accepted;

    constructor(bytes memory signature) {
        _accepted = keccak256(signature);
    }

    function isValidSignature(bytes32, bytes calldata signature) external view returns (bytes4) {
        return keccak256(signature) == _accepted ? bytes4(0x1626ba7e) : bytes4(0xffffffff);
    }
}

contract ClaimTest is EscrowTest {
    bytes private invalid = abi.encodeWithSelector(IDRaaSEscrow.AssignmentInvalid.selector);

    function test_a_claim_with_the_schedulers_assignment_starts_the_run() public {
        (JobTerms memory terms, bytes32 id) = posted();
        at(5);
        claim(terms, 1, provider);
        assertState(id, JobState.Running);
        vm.assertEq(escrow.runs(id, 1).provider, provider);
        vm.assertEq(escrow.runs(id, 1).startedAt, T0 + 5);
        vm.assertEq(escrow.jobs(id).deadline, T0 + 5 + terms.duration);
    }

    function test_a_job_without_scheduler_is_anybodys_to_claim() public {
        JobTerms memory terms = someTerms();
        terms.scheduler = address(0);
        vm.prank(consumer);
        bytes32 id = escrow.postJob(terms, DEPOSIT);
        Assignment memory a;
        vm.prank(rival);
        escrow.claimJob(terms, a, "");
        vm.assertEq(escrow.runs(id, 1).provider, rival);
    }

    function test_a_stolen_assignment_is_of_no_use_to_another_provider() public {
        (JobTerms memory terms,) = posted();
        Assignment memory a = assignmentOf(terms, 1, provider);
        bytes memory signature = signed(a, SCHEDULER_KEY);
        refusesClaim(rival, terms, a, signature, invalid);
        a.provider = rival; // changed after it was signed
        refusesClaim(rival, terms, a, signature, invalid);
    }

    function test_an_assignment_binds_job_attempt_image_and_deadline() public {
        (JobTerms memory terms,) = posted();
        (JobTerms memory others,) = posted();
        Assignment memory a = assignmentOf(terms, 1, provider);
        bytes memory signature = signed(a, SCHEDULER_KEY);
        refusesClaim(provider, others, a, signature, invalid);
        a.image = bytes32("swapped");
        refusesClaim(provider, terms, a, signature, invalid);
        a.image = bytes32("image");
        a.deadline += 1;
        refusesClaim(provider, terms, a, signature, invalid);
        a = assignmentOf(terms, 2, provider);
        refusesClaim(provider, terms, a, signed(a, SCHEDULER_KEY), invalid);
    }

    function test_an_assignment_by_another_key_or_chain_or_of_no_shape_is_refused() public {
        (JobTerms memory terms,) = posted();
        Assignment memory a = assignmentOf(terms, 1, provider);
        refusesClaim(provider, terms, a, signed(a, 0xBEEF), invalid);
        refusesClaim(provider, terms, a, "", invalid);
        bytes memory signature = signed(a, SCHEDULER_KEY);
        vm.chainId(5);
        refusesClaim(provider, terms, a, signature, wrongState(escrow.jobIdOf(terms), JobState.Absent));
    }

    function test_an_assignment_is_used_until_its_last_second_and_no_later() public {
        (JobTerms memory terms,) = posted();
        Assignment memory a = assignmentOf(terms, 1, provider);
        bytes memory signature = signed(a, SCHEDULER_KEY);
        at(61);
        refusesClaim(
            provider, terms, a, signature, abi.encodeWithSelector(IDRaaSEscrow.AssignmentExpired.selector, a.deadline)
        );
        at(60);
        vm.prank(provider);
        escrow.claimJob(terms, a, signature);
    }

    function test_a_scheduler_may_be_a_contract() public {
        JobTerms memory terms = someTerms();
        terms.scheduler = address(new ContractScheduler("yes"));
        vm.prank(consumer);
        bytes32 id = escrow.postJob(terms, DEPOSIT);
        Assignment memory a = assignmentOf(terms, 1, provider);
        refusesClaim(provider, terms, a, "no", invalid);
        vm.prank(provider);
        escrow.claimJob(terms, a, "yes");
        assertState(id, JobState.Running);
    }

    function test_a_contract_that_does_not_answer_as_a_signer_signs_nothing() public {
        JobTerms memory terms = someTerms();
        terms.scheduler = address(token);
        vm.prank(consumer);
        escrow.postJob(terms, DEPOSIT);
        refusesClaim(provider, terms, assignmentOf(terms, 1, provider), "", invalid);
    }

    function test_a_job_is_claimed_once_and_never_after_its_deadline() public {
        (JobTerms memory terms, bytes32 id) = running();
        Assignment memory a = assignmentOf(terms, 1, rival);
        refusesClaim(rival, terms, a, signed(a, SCHEDULER_KEY), wrongState(id, JobState.Running));
        (terms, id) = posted();
        at(101);
        a = assignmentOf(terms, 1, rival);
        refusesClaim(rival, terms, a, signed(a, SCHEDULER_KEY), wrongState(id, JobState.Ended));
    }

    function test_a_claim_needs_registration_bond_and_fitting_rates() public {
        (JobTerms memory terms,) = posted();
        Assignment memory a = assignmentOf(terms, 1, stranger);
        bytes memory unknown = abi.encodeWithSelector(IDRaaSEscrow.NotRegistered.selector, stranger);
        refusesClaim(stranger, terms, a, signed(a, SCHEDULER_KEY), unknown);

        vm.prank(rival);
        escrow.startUnbond();
        a = assignmentOf(terms, 1, rival);
        bytes memory unbonded = abi.encodeWithSelector(IDRaaSEscrow.BondTooSmall.selector, 0, MIN_BOND);
        refusesClaim(rival, terms, a, signed(a, SCHEDULER_KEY), unbonded);

        Rates[4] memory dear = [Rates(2001, 0, 0, 0), Rates(0, 31, 0, 0), Rates(0, 0, 8, 0), Rates(0, 0, 0, 101)];
        a = assignmentOf(terms, 1, provider);
        for (uint256 i = 0; i < dear.length; ++i) {
            vm.prank(provider);
            escrow.setRates(dear[i]);
            bytes memory tooHigh = abi.encodeWithSelector(IDRaaSEscrow.RatesTooHigh.selector);
            refusesClaim(provider, terms, a, signed(a, SCHEDULER_KEY), tooHigh);
        }
    }

    function refusesClaim(
        address who,
        JobTerms memory terms,
        Assignment memory a,
        bytes memory signature,
        bytes memory why
    ) private {
        vm.expectRevert(why);
        vm.prank(who);
        escrow.claimJob(terms, a, signature);
    }
}
