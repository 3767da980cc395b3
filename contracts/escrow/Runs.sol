// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {IDRaaSEscrow} from "../interfaces/IDRaaSEscrow.sol";
import {JobState, JobTerms, RunState} from "../interfaces/Types.sol";
import {JobSlot} from "../libraries/JobSlot.sol";
import {Messages} from "../libraries/Messages.sol";
import {ProviderSlot} from "../libraries/ProviderSlot.sol";
import {RunSlot} from "../libraries/RunSlot.sol";
import {Providers} from "./Providers.sol";
import {Signed} from "./Signed.sol";

/// @title A job's runs: claimed, lapsed, settled
/// @notice Settling takes what a run earned out of the job's deposit: from then on the deposit is the consumer's alone,
/// and the run pays its provider whatever becomes of the job.
abstract contract Runs is Providers, Signed {
    /// @inheritdoc IDRaaSEscrow
    function claimJob(JobTerms calldata terms, bytes32 image, uint64 deadline, bytes calldata signature) external {
        bytes32 jobId = jobIdOf(terms);
        JobSlot job = _jobIn(JobState.Open, jobId);
        uint8 attempt = job.attempt();
        if (terms.scheduler != address(0)) {
            bytes32 message = Messages.assignment(jobId, attempt, msg.sender, image, deadline);
            _requireSigned(terms.scheduler, message, deadline, signature);
        }
        uint16 rateCard = _reserve(terms, job);
        uint32 claimedAt = uint32(block.timestamp); // not after the claim deadline, so it fits
        uint32 duration = uint32(Math.min(job.duration(), LAST_SECOND - settleGrace - block.timestamp));
        job = job.withState(JobState.Running).withRateCard(rateCard);
        _jobs[jobId] = job.withDuration(duration).withDeadline(claimedAt + duration);
        _runs[jobId][attempt][msg.sender].slot = RunSlot.wrap(0).withReportedAt(claimedAt).withState(RunState.Live);
        emit JobClaimed(jobId, msg.sender, attempt, rateCard, image, claimedAt + duration);
    }

    /// @inheritdoc IDRaaSEscrow
    function lapseJob(JobTerms calldata terms, address provider) external {
        bytes32 jobId = jobIdOf(terms);
        JobSlot job = _jobIn(JobState.Running, jobId);
        RunSlot run = _liveRun(jobId, job.attempt(), provider);
        uint256 lapsesAt = run.reportedAt() + lapseAfter;
        if (block.timestamp <= lapsesAt) revert NotLapsed(jobId, lapsesAt);
        ProviderSlot record;
        uint32 left = uint32(job.deadline() - run.reportedAt()); // the silent seconds are given back
        (job, record) = _settle(jobId, job, provider, run);
        record = record.plusLapsed();
        // slither-disable-next-line weak-prng - no chance is meant
        if (record.lapsed() % lapsesPerSlash == 0) {
            uint256 slashed;
            (record, slashed) = _slash(record, provider, jobId, job);
            burned += slashed;
        }
        _providers[provider] = record;
        uint256 claimBy = 0;
        if (job.attempt() != type(uint8).max) {
            claimBy = Math.min(block.timestamp + terms.claimWithin, LAST_SECOND);
            job = job.withState(JobState.Open).withSettled(false).withAttempt(job.attempt() + 1);
            job = job.withDuration(left).withDeadline(uint32(claimBy)); // at most the largest
        }
        _jobs[jobId] = job;
        emit JobLapsed(jobId, provider, claimBy == 0 ? job.attempt() : job.attempt() - 1, run.earned(), claimBy);
    }

    /// @inheritdoc IDRaaSEscrow
    function settleJob(bytes32 jobId, address provider) external {
        _jobs[jobId] = _settleLate(jobId, _jobIn(JobState.Ended, jobId), provider);
    }

    /// @dev Settles an ended run whose provider has missed the time for its last report. The caller stores the job.
    function _settleLate(bytes32 jobId, JobSlot job, address provider) internal returns (JobSlot) {
        if (!_isGraceOver(job)) revert NotSettled(jobId, job.deadline() + settleGrace);
        RunSlot run = _liveRun(jobId, job.attempt(), provider);
        (job, _providers[provider]) = _settle(jobId, job, provider, run);
        emit JobSettled(jobId, provider, job.attempt(), run.earned());
        return job;
    }

    /// @dev Ends the current attempt and parts its money from the job's. The caller stores both that are returned.
    function _settle(bytes32 jobId, JobSlot job, address provider, RunSlot run)
        internal
        returns (JobSlot, ProviderSlot)
    {
        _runs[jobId][job.attempt()][provider].slot = run.withState(RunState.Settled);
        uint72 unspent = uint72(job.deposit() - run.earned()); // at most the deposit
        job = _ended(job).withSettled(true).withDeposit(unspent);
        return (job, _freed(provider, job, run.earned()));
    }

    function _liveRun(bytes32 jobId, uint8 attempt, address provider) private view returns (RunSlot run) {
        run = _runs[jobId][attempt][provider].slot;
        if (run.isAbsent()) revert NoSuchRun(jobId, attempt);
        if (!run.isLive()) revert RunNotLive(jobId, attempt);
    }
}
