// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {IDRaaSEscrow, Job, JobState, JobTerms} from "../interfaces/IDRaaSEscrow.sol";
import {Ledger} from "./Ledger.sol";

/// @title A job's deposit: in by a post or a top-up, back by a cancel, a decline or a refund
abstract contract Jobs is Ledger {
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
        try IERC20Permit(token).permit(msg.sender, address(this), deposit, permitDeadline, v, r, s) {} catch {}
        return _post(terms, deposit);
    }

    /// @inheritdoc IDRaaSEscrow
    function topUp(bytes32 jobId, uint256 amount) external {
        Job memory job = _job(jobId);
        JobState state = _stateAt(job, _earned(job, jobId, job.attempt));
        if (state != JobState.Open && state != JobState.Running) revert WrongState(jobId, state);
        if (amount == 0) revert DepositTooSmall(0, 1);
        _jobs[jobId].deposit = _amount(job.deposit + amount);
        emit JobToppedUp(jobId, msg.sender, amount);
        _receive(amount);
    }

    /// @inheritdoc IDRaaSEscrow
    function cancelJob(JobTerms calldata terms) external {
        if (msg.sender != terms.consumer) revert NotConsumer(msg.sender);
        bytes32 jobId = jobIdOf(terms);
        Job memory job = _job(jobId);
        JobState state = _stateAt(job, _earned(job, jobId, job.attempt));
        if (state != JobState.Open && state != JobState.Running) revert WrongState(jobId, state);
        emit JobCancelled(jobId, job.attempt, block.timestamp);
        if (state == JobState.Open) return _giveBack(jobId, job, terms.consumer);
        job.state = JobState.Ended;
        job.deadline = uint32(block.timestamp); // before the old deadline, so it fits
        _save(jobId, job);
    }

    /// @inheritdoc IDRaaSEscrow
    function declineJob(JobTerms calldata terms, string calldata reason) external {
        if (msg.sender != terms.scheduler) revert NotScheduler(msg.sender);
        bytes32 jobId = jobIdOf(terms);
        Job memory job = _job(jobId);
        JobState state = _stateAt(job, 0);
        if (state != JobState.Open) revert WrongState(jobId, state);
        emit JobDeclined(jobId, msg.sender, reason);
        _giveBack(jobId, job, terms.consumer);
    }

    /// @inheritdoc IDRaaSEscrow
    function refund(JobTerms calldata terms) external {
        bytes32 jobId = jobIdOf(terms);
        Job memory job = _job(jobId);
        uint256 earned = _earned(job, jobId, job.attempt);
        JobState state = _stateAt(job, earned);
        if (state != JobState.Ended) revert WrongState(jobId, state);
        uint256 unspent = job.deposit - earned;
        if (unspent == 0) revert NothingToRefund(jobId);
        StoredRun storage run = _runs[jobId][job.attempt];
        if (!_isSettled(job, _headOf(run))) revert NotSettled(jobId, job.deadline + settleGrace);
        job.deposit = uint80(earned); // at most the deposit
        job.state = earned == run.takings.withdrawn ? JobState.Closed : JobState.Ended;
        _save(jobId, job);
        emit Refunded(jobId, terms.consumer, unspent);
        _send(terms.consumer, unspent);
    }

    function _post(JobTerms calldata terms, uint256 deposit) private returns (bytes32 jobId) {
        _checkTerms(terms);
        if (deposit == 0) revert DepositTooSmall(0, 1);
        jobId = jobIdOf(terms);
        if (_jobs[jobId].state != JobState.Absent) revert AlreadyPosted(jobId);
        uint256 claimBy = block.timestamp + terms.claimWithin;
        if (claimBy + terms.duration > type(uint32).max) revert BadTerms();
        _jobs[jobId] = Job({
            deposit: _amount(deposit),
            cpuMillis: terms.resources.cpuMillis,
            memoryMib: terms.resources.memoryMib,
            egressKibS: terms.resources.egressKibS,
            deadline: uint32(claimBy),
            duration: terms.duration,
            attempt: 1,
            state: JobState.Open
        });
        emit JobPosted(jobId, msg.sender, terms.scheduler, deposit, claimBy, terms);
        _receive(deposit);
    }

    /// @dev Returns all of an Open job's deposit and closes it.
    function _giveBack(bytes32 jobId, Job memory job, address consumer) private {
        uint256 deposit = job.deposit;
        job.deposit = 0;
        job.state = JobState.Closed;
        _save(jobId, job);
        emit Refunded(jobId, consumer, deposit);
        _send(consumer, deposit);
    }

    function _checkTerms(JobTerms calldata terms) private view {
        bool sound = terms.consumer == msg.sender && bytes(terms.cid).length != 0;
        sound = sound && terms.resources.cpuMillis != 0 && terms.resources.memoryMib != 0;
        if (!sound || terms.duration == 0 || terms.claimWithin == 0) revert BadTerms();
    }

    function _amount(uint256 value) private pure returns (uint80) {
        if (value > type(uint80).max) revert DepositTooLarge(value);
        return uint80(value);
    }
}
