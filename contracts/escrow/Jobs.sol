// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {IDRaaSEscrow} from "../interfaces/IDRaaSEscrow.sol";
import {Job, JobState, JobTerms} from "../interfaces/Types.sol";
import {JobSlot, JobSlots} from "../libraries/JobSlot.sol";
import {Messages} from "../libraries/Messages.sol";
import {Runs} from "./Runs.sol";

/// @title A job's deposit
/// @notice In by a post or a top-up, back by a cancel, a decline or a refund.
abstract contract Jobs is Runs {
    /// @inheritdoc IDRaaSEscrow
    function postJob(JobTerms calldata terms, uint256 deposit) external returns (bytes32 jobId) {
        return _post(terms, deposit);
    }

    /// @inheritdoc IDRaaSEscrow
    function postJobWithPermit(
        JobTerms calldata terms,
        uint256 deposit,
        uint256 permitDeadline,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external returns (bytes32 jobId) {
        // Somebody may have sent the permit ahead of us; what counts is the allowance, and the transfer checks it.
        // slither-disable-next-line reentrancy-benign - nothing has been decided yet
        try IERC20Permit(token).permit(msg.sender, address(this), deposit, permitDeadline, v, r, s) {} catch {} // solhint-disable-line no-empty-blocks
        return _post(terms, deposit);
    }

    /// @inheritdoc IDRaaSEscrow
    function topUp(bytes32 jobId, uint256 amount) external {
        JobSlot job = _jobs[jobId];
        if (_stateAt(job) != JobState.Open) _jobIn(JobState.Running, jobId);
        if (amount == 0) revert DepositTooSmall(0, 1);
        _jobs[jobId] = job.withDeposit(_amount(job.deposit() + amount));
        emit JobToppedUp(jobId, msg.sender, amount);
        _receive(amount);
    }

    /// @inheritdoc IDRaaSEscrow
    function cancelJob(bytes32 termsHash) external {
        _cancel(msg.sender, _idOf(msg.sender, termsHash));
    }

    /// @inheritdoc IDRaaSEscrow
    function cancelJobBySignature(address consumer, bytes32 termsHash, uint64 deadline, bytes calldata signature)
        external
    {
        bytes32 jobId = _idOf(consumer, termsHash);
        _requireSigned(consumer, Messages.cancel(jobId, deadline), deadline, signature);
        _cancel(consumer, jobId);
    }

    /// @inheritdoc IDRaaSEscrow
    function declineJob(JobTerms calldata terms, string calldata reason) external {
        if (msg.sender != terms.scheduler) revert NotScheduler(msg.sender);
        bytes32 jobId = jobIdOf(terms);
        JobSlot job = _jobIn(JobState.Open, jobId);
        emit JobDeclined(jobId, msg.sender, reason);
        _jobs[jobId] = job.withDeposit(0).withState(JobState.Closed);
        emit Refunded(jobId, terms.consumer, job.deposit());
        _send(terms.consumer, job.deposit());
    }

    /// @inheritdoc IDRaaSEscrow
    function refund(address consumer, bytes32 termsHash, address provider) external {
        bytes32 jobId = _idOf(consumer, termsHash);
        JobSlot job = _jobIn(JobState.Ended, jobId);
        if (job.state() == JobState.Open) job = job.withState(JobState.Closed); // it never ran, or not again
        else if (!job.settled()) job = _settleLate(jobId, job, provider);
        else if (job.deposit() == 0) revert NothingToRefund(jobId);
        _jobs[jobId] = job.withDeposit(0);
        if (job.deposit() == 0) return; // it was settled, and all of it earned
        emit Refunded(jobId, consumer, job.deposit());
        _send(consumer, job.deposit());
    }

    function _post(JobTerms calldata terms, uint256 deposit) private returns (bytes32 jobId) {
        _checkTerms(terms);
        if (deposit == 0) revert DepositTooSmall(0, 1);
        jobId = jobIdOf(terms);
        if (_jobs[jobId].state() != JobState.Absent) revert AlreadyPosted(jobId);
        uint256 claimBy = block.timestamp + terms.claimWithin;
        if (claimBy + terms.duration + settleGrace > LAST_SECOND) revert BadTerms();
        _jobs[jobId] = JobSlots.pack(
            Job({
                deposit: _amount(deposit),
                cpuMillis: terms.resources.cpuMillis,
                memoryMib: terms.resources.memoryMib,
                egressKibS: terms.resources.egressKibS,
                deadline: uint32(claimBy),
                duration: terms.duration,
                rateCard: 0,
                attempt: 1,
                state: JobState.Open,
                settled: false
            })
        );
        emit JobPosted(jobId, msg.sender, terms.scheduler, deposit, claimBy, terms);
        _receive(deposit);
    }

    function _cancel(address consumer, bytes32 jobId) private {
        JobSlot job = _jobs[jobId];
        if (_stateAt(job) == JobState.Open) {
            _jobs[jobId] = job.withDeposit(0).withState(JobState.Closed);
            emit JobCancelled(jobId, job.deposit());
            return _send(consumer, job.deposit());
        }
        _jobs[jobId] = _ended(_jobIn(JobState.Running, jobId));
        emit JobCancelled(jobId, 0);
    }

    function _checkTerms(JobTerms calldata terms) private view {
        bool sound = terms.consumer == msg.sender && bytes(terms.cid).length != 0;
        sound = sound && terms.resources.cpuMillis != 0 && terms.resources.memoryMib != 0;
        if (!sound || terms.duration == 0 || terms.claimWithin == 0) revert BadTerms();
    }

    function _amount(uint256 value) private pure returns (uint72) {
        if (value > type(uint72).max) revert DepositTooLarge(value);
        return uint72(value);
    }
}
