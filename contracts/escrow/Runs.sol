// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {IDRaaSEscrow} from "../interfaces/IDRaaSEscrow.sol";
import {Job, JobState, JobTerms, Provider, Run, RunState} from "../interfaces/Types.sol";
import {Messages} from "../libraries/Messages.sol";
import {Providers} from "./Providers.sol";
import {Signed} from "./Signed.sol";

/// @title A job's runs: claimed, lapsed, settled
/// @dev Settling takes what a run earned out of the job's deposit: from then on the deposit is the consumer's alone,
/// and the run pays its provider whatever becomes of the job.
abstract contract Runs is Providers, Signed {
    /// @inheritdoc IDRaaSEscrow
    function claimJob(JobTerms calldata terms, bytes32 image, uint64 deadline, bytes calldata signature) external {
        bytes32 jobId = jobIdOf(terms);
        Job memory job = _job(jobId);
        JobState state = _stateAt(job);
        if (state != JobState.Open) revert WrongState(jobId, state);
        if (terms.scheduler != address(0)) {
            bytes32 message = Messages.assignment(jobId, job.attempt, msg.sender, image, deadline);
            _requireSigned(terms.scheduler, message, deadline, signature);
        }
        job.rateCard = _reserve(terms, job);
        job.state = JobState.Running;
        job.duration = uint32(Math.min(job.duration, type(uint32).max - block.timestamp));
        job.deadline = uint32(block.timestamp) + job.duration;
        _save(jobId, job);
        _saveRun(jobId, job.attempt, msg.sender, Run(0, 0, 0, uint32(block.timestamp), RunState.Live));
        emit JobClaimed(jobId, msg.sender, job.attempt, job.rateCard, image, job.deadline);
    }

    /// @inheritdoc IDRaaSEscrow
    function lapseJob(JobTerms calldata terms, address provider) external {
        bytes32 jobId = jobIdOf(terms);
        Job memory job = _job(jobId);
        JobState state = _stateAt(job);
        if (state != JobState.Running) revert WrongState(jobId, state);
        uint8 attempt = job.attempt;
        Run memory run = _liveRun(jobId, attempt, provider);
        if (block.timestamp <= run.reportedAt + lapseAfter) revert NotLapsed(jobId, run.reportedAt + lapseAfter);
        uint32 left = job.deadline - run.reportedAt; // the silent seconds are given back
        Provider memory record = _settle(jobId, job, provider, run);
        if (record.lapsed < type(uint16).max) record.lapsed += 1;
        if (record.lapsed % lapsesPerSlash == 0) _credit(terms.consumer, _slash(record, provider, jobId, job));
        _saveProvider(provider, record);
        uint256 claimBy = 0;
        if (attempt != type(uint8).max) {
            claimBy = Math.min(block.timestamp + terms.claimWithin, type(uint32).max);
            job.state = JobState.Open;
            job.settled = false;
            job.duration = left;
            job.deadline = uint32(claimBy);
            job.attempt = attempt + 1;
        }
        _save(jobId, job);
        emit JobLapsed(jobId, provider, attempt, run.earned, claimBy);
    }

    /// @dev Settles an ended run whose provider has missed the time for its last report. The caller saves the job.
    function _settleLate(bytes32 jobId, Job memory job, address provider) internal {
        if (!_isGraceOver(job)) revert NotSettled(jobId, job.deadline + settleGrace);
        Run memory run = _liveRun(jobId, job.attempt, provider);
        _saveProvider(provider, _settle(jobId, job, provider, run));
        emit JobSettled(jobId, provider, job.attempt, run.earned);
    }

    /// @dev Ends the current attempt and parts its money from the job's. The caller saves the job and the record.
    function _settle(bytes32 jobId, Job memory job, address provider, Run memory run)
        internal
        returns (Provider memory)
    {
        run.state = RunState.Settled;
        _saveRun(jobId, job.attempt, provider, run);
        _endNow(job);
        job.settled = true;
        job.deposit -= run.earned;
        return _free(provider, job, run.earned);
    }

    function _liveRun(bytes32 jobId, uint8 attempt, address provider) internal view returns (Run memory run) {
        run = _run(jobId, attempt, provider);
        if (run.state == RunState.Absent) revert NoSuchRun(jobId, attempt);
        if (run.state != RunState.Live) revert RunNotLive(jobId, attempt);
    }
}
