// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {EscrowTest, IDRaaSEscrow, IEscrowEvents, Job, JobState, JobTerms} from "./EscrowTest.sol";

contract PostTest is EscrowTest {
    function test_a_post_moves_the_deposit_in_and_opens_the_job() public {
        (, bytes32 id) = posted();
        assertState(id, JobState.Open);
        vm.assertEq(1e15 - token.balanceOf(consumer), DEPOSIT);
        Job memory job = escrow.jobs(id);
        vm.assertEq(job.deposit, DEPOSIT);
        vm.assertEq(job.attempt, 1);
        vm.assertEq(job.deadline, T0 + 100);
        vm.assertEq(job.duration, 600);
        vm.assertEq(job.cpuMillis, 1000);
        vm.assertEq(job.memoryMib, 512);
        vm.assertEq(job.egressKibS, 64);
        vm.assertTrue(!job.settled);
    }

    function test_a_post_tells_all_of_its_terms() public {
        JobTerms memory terms = someTerms();
        vm.expectEmit();
        emit IEscrowEvents.JobPosted(escrow.jobIdOf(terms), consumer, scheduler, DEPOSIT, T0 + 100, terms);
        vm.prank(consumer);
        escrow.postJob(terms, DEPOSIT);
    }

    function test_the_id_binds_the_chain_of_the_deployment_escrow_consumer_and_every_term() public {
        (JobTerms memory terms, bytes32 id) = posted();
        vm.assertEq(id, keccak256(abi.encode(block.chainid, address(escrow), consumer, termsHashOf(terms))));
        IDRaaSEscrow other = newEscrow(address(token), address(arbitrator), parameters());
        vm.assertTrue(other.jobIdOf(terms) != id, "escrow");
        terms.cid = "bafyother";
        vm.assertTrue(escrow.jobIdOf(terms) != id, "cid");
        terms = someTerms();
        terms.salt = bytes32(uint256(1));
        vm.assertEq(escrow.jobIdOf(terms), id);
        terms.watcher = address(0);
        vm.assertTrue(escrow.jobIdOf(terms) != id, "watcher");
        terms.watcher = watcher;
        vm.chainId(5); // a fork that takes another number still finds its jobs
        vm.assertEq(escrow.jobIdOf(terms), id);
    }

    function test_a_permit_posts_in_one_transaction() public {
        JobTerms memory terms = someTerms();
        vm.prank(consumer);
        token.approve(address(escrow), 0);
        (uint8 v, bytes32 r, bytes32 s) = permit(DEPOSIT);
        vm.prank(consumer);
        assertState(escrow.postJobWithPermit(terms, DEPOSIT, T0 + 9, v, r, s), JobState.Open);
        vm.assertEq(token.allowance(consumer, address(escrow)), 0);
    }

    function test_a_permit_that_somebody_sent_ahead_is_no_obstacle() public {
        JobTerms memory terms = someTerms();
        vm.prank(consumer);
        token.approve(address(escrow), 0);
        (uint8 v, bytes32 r, bytes32 s) = permit(DEPOSIT);
        vm.prank(stranger);
        token.permit(consumer, address(escrow), DEPOSIT, T0 + 9, v, r, s);
        vm.prank(consumer);
        assertState(escrow.postJobWithPermit(terms, DEPOSIT, T0 + 9, v, r, s), JobState.Open);
    }

    function test_a_bad_permit_without_allowance_posts_nothing() public {
        JobTerms memory terms = someTerms();
        vm.prank(consumer);
        token.approve(address(escrow), 0);
        vm.expectRevert(
            abi.encodeWithSignature(
                "ERC20InsufficientAllowance(address,uint256,uint256)", address(escrow), uint256(0), DEPOSIT
            )
        );
        vm.prank(consumer);
        escrow.postJobWithPermit(terms, DEPOSIT, T0 + 9, 27, bytes32(0), bytes32(0));
    }

    function test_a_consumers_permit_posts_nobody_elses_job() public {
        JobTerms memory terms = someTerms();
        (uint8 v, bytes32 r, bytes32 s) = permit(DEPOSIT);
        vm.expectRevert(abi.encodeWithSelector(IEscrowEvents.BadTerms.selector));
        vm.prank(stranger);
        escrow.postJobWithPermit(terms, DEPOSIT, T0 + 9, v, r, s);
    }

    function test_the_same_terms_cannot_be_posted_twice() public {
        (JobTerms memory terms, bytes32 id) = posted();
        refusesPost(terms, DEPOSIT, abi.encodeWithSelector(IEscrowEvents.AlreadyPosted.selector, id));
        cancel(terms);
        refusesPost(terms, DEPOSIT, abi.encodeWithSelector(IEscrowEvents.AlreadyPosted.selector, id));
    }

    function test_terms_that_make_no_sense_are_refused() public {
        bytes memory bad = abi.encodeWithSelector(IEscrowEvents.BadTerms.selector);
        JobTerms memory terms = someTerms();
        terms.duration = 0;
        refusesPost(terms, DEPOSIT, bad);
        terms = someTerms();
        terms.claimWithin = 0;
        refusesPost(terms, DEPOSIT, bad);
        terms = someTerms();
        terms.resources.cpuMillis = 0;
        refusesPost(terms, DEPOSIT, bad);
        terms = someTerms();
        terms.resources.memoryMib = 0;
        refusesPost(terms, DEPOSIT, bad);
        terms = someTerms();
        terms.cid = "";
        refusesPost(terms, DEPOSIT, bad);
        terms = someTerms();
        terms.consumer = stranger;
        refusesPost(terms, DEPOSIT, bad);
        terms = someTerms();
        terms.duration = type(uint32).max;
        refusesPost(terms, DEPOSIT, bad);
    }

    function test_a_deposit_must_be_something_and_fit_its_field() public {
        JobTerms memory terms = someTerms();
        refusesPost(terms, 0, abi.encodeWithSelector(IEscrowEvents.DepositTooSmall.selector, 0, 1));
        uint256 large = uint256(type(uint72).max) + 1;
        refusesPost(terms, large, abi.encodeWithSelector(IEscrowEvents.DepositTooLarge.selector, large));
    }

    function test_a_top_up_adds_to_an_open_and_to_a_running_job() public {
        (JobTerms memory terms, bytes32 id) = posted();
        vm.prank(stranger);
        escrow.topUp(id, 5);
        claim(terms, 1, provider);
        vm.expectEmit();
        emit IEscrowEvents.JobToppedUp(id, stranger, 6);
        vm.prank(stranger);
        escrow.topUp(id, 6);
        vm.assertEq(escrow.jobs(id).deposit, DEPOSIT + 11);
        vm.assertEq(token.balanceOf(stranger), 1e15 - 11);
    }

    function test_a_top_up_belongs_to_the_jobs_consumer() public {
        (JobTerms memory terms, bytes32 id) = posted();
        vm.prank(stranger);
        escrow.topUp(id, 5);
        cancel(terms);
        vm.assertEq(token.balanceOf(consumer), 1e15 + 5);
    }

    function test_a_top_up_of_an_absent_ended_or_overfull_job_is_refused() public {
        (, bytes32 id) = posted();
        uint256 sum = DEPOSIT + type(uint72).max;
        refusesTopUp(id, type(uint72).max, abi.encodeWithSelector(IEscrowEvents.DepositTooLarge.selector, sum));
        refusesTopUp(id, 0, abi.encodeWithSelector(IEscrowEvents.DepositTooSmall.selector, 0, 1));
        refusesTopUp(bytes32("nothing"), 1, wrongState(bytes32("nothing"), JobState.Absent));
        at(101);
        refusesTopUp(id, 1, wrongState(id, JobState.Ended));
    }

    function refusesTopUp(bytes32 id, uint256 amount, bytes memory why) private {
        vm.expectRevert(why);
        escrow.topUp(id, amount);
    }

    function refusesPost(JobTerms memory terms, uint256 deposit, bytes memory why) private {
        vm.expectRevert(why);
        vm.prank(consumer);
        escrow.postJob(terms, deposit);
    }

    function permit(uint256 amount) private view returns (uint8, bytes32, bytes32) {
        bytes32 hash = keccak256(
            abi.encode(
                keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)"),
                consumer,
                address(escrow),
                amount,
                token.nonces(consumer),
                T0 + 9
            )
        );
        return vm.sign(CONSUMER_KEY, keccak256(abi.encodePacked("\x19\x01", token.DOMAIN_SEPARATOR(), hash)));
    }
}
