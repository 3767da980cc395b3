// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {
    Assignment,
    IDRaaSEscrow,
    Job,
    JobState,
    JobTerms,
    Provider,
    Rates,
    RunRef,
    Usage,
    UsageReport
} from "../interfaces/IDRaaSEscrow.sol";
import {Metering} from "../libraries/Metering.sol";
import {Signatures} from "../libraries/Signatures.sol";
import {Ledger} from "./Ledger.sol";

/// @title A job's runs: claim, usage reports that release payment, completion, lapse, withdrawal
abstract contract Runs is Ledger, EIP712 {
    bytes32 private constant ASSIGNMENT_TYPEHASH =
        keccak256("Assignment(bytes32 jobId,uint8 attempt,address provider,bytes32 image,uint64 deadline)");

    constructor() EIP712("DRaaS", "1") {}

    /// @inheritdoc IDRaaSEscrow
    function claimJob(JobTerms calldata terms, Assignment calldata assignment, bytes calldata signature) external {
        bytes32 jobId = jobIdOf(terms);
        Job memory job = _job(jobId);
        JobState state = _stateAt(job, 0);
        if (state != JobState.Open) revert WrongState(jobId, state);
        if (terms.scheduler != address(0)) {
            _checkAssignment(jobId, job.attempt, terms.scheduler, assignment, signature);
        }
        uint16 rateCard = _claimableCard(terms);
        job.state = JobState.Running;
        job.deadline = uint32(Math.min(block.timestamp + job.duration, type(uint32).max));
        _save(jobId, job);
        uint32 timestamp = uint32(block.timestamp); // not after the claim deadline, so it fits
        _runs[jobId][job.attempt].head = RunHead(msg.sender, timestamp, timestamp, rateCard, false);
        emit JobClaimed(jobId, msg.sender, job.attempt, rateCard, assignment.image, job.deadline);
    }

    /// @inheritdoc IDRaaSEscrow
    function reportUsage(UsageReport[] calldata reports) external {
        if (reports.length == 0) revert NothingToReport();
        bytes4 firstReason;
        bool anyAccepted;
        for (uint256 i = 0; i < reports.length; ++i) {
            bytes4 reason = _accept(reports[i]);
            if (reason == 0) {
                anyAccepted = true;
                continue;
            }
            if (firstReason == 0) firstReason = reason;
            emit ReportSkipped(reports[i].jobId, reports[i].attempt, reason);
        }
        if (!anyAccepted) _refuse(reports[0], firstReason);
    }

    /// @inheritdoc IDRaaSEscrow
    function completeJob(UsageReport calldata report, int32 exitCode, string calldata resultCid) external {
        bytes4 reason = _accept(report);
        if (reason != 0) _refuse(report, reason);
        _runs[report.jobId][report.attempt].head.settled = true;
        Job memory job = _job(report.jobId);
        job.state = JobState.Ended;
        job.deadline = uint32(Math.min(job.deadline, block.timestamp));
        _save(report.jobId, job);
        emit JobCompleted(report.jobId, msg.sender, report.attempt, exitCode, resultCid);
    }

    /// @inheritdoc IDRaaSEscrow
    function lapseJob(JobTerms calldata terms) external {
        bytes32 jobId = jobIdOf(terms);
        Job memory job = _job(jobId);
        uint8 attempt = job.attempt;
        uint256 earned = _earned(job, jobId, attempt);
        JobState state = _stateAt(job, earned);
        if (state != JobState.Running) revert WrongState(jobId, state);
        RunHead memory head = _headOf(_runs[jobId][attempt]);
        if (block.timestamp <= head.reportedAt + lapseAfter) revert NotLapsed(jobId, head.reportedAt + lapseAfter);
        head.settled = true;
        _saveHead(_runs[jobId][attempt], head);
        uint256 claimBy;
        if (attempt == type(uint8).max) {
            job.state = JobState.Ended;
            job.deadline = uint32(block.timestamp); // before the old deadline, so it fits
        } else {
            claimBy = Math.min(block.timestamp + terms.claimWithin, type(uint32).max);
            job.state = JobState.Open;
            job.deposit -= uint80(earned); // below the deposit, or the job would have ended
            job.duration -= head.reportedAt - head.startedAt;
            job.deadline = uint32(claimBy);
            job.attempt = attempt + 1;
        }
        _save(jobId, job);
        emit JobLapsed(jobId, head.provider, attempt, earned, claimBy);
    }

    /// @inheritdoc IDRaaSEscrow
    function withdraw(RunRef[] calldata refs) external returns (uint256 amount) {
        for (uint256 i = 0; i < refs.length; ++i) {
            amount += _take(refs[i].jobId, refs[i].attempt);
        }
        if (amount == 0) revert NothingToWithdraw();
        _send(msg.sender, amount);
    }

    /// @dev Books one report. Returns 0, or the selector of the error that says why it was not accepted.
    function _accept(UsageReport calldata report) private returns (bytes4) {
        StoredRun storage run = _runs[report.jobId][report.attempt];
        RunHead memory head = _headOf(run);
        if (head.provider != msg.sender) return NotProvider.selector;
        if (head.settled) return RunSettled.selector; // an unsettled run is the current attempt's
        Job memory job = _job(report.jobId);
        if (job.state == JobState.Closed) return WrongState.selector;
        if (block.timestamp > job.deadline + settleGrace) return ReportTooLate.selector;
        Usage memory usage = _usageOf(run);
        if (Metering.fell(usage, report.usage)) return UsageFell.selector;
        Rates memory rates = _rateCard(msg.sender, head.rateCard);
        _rollEpoch(run, head.reportedAt, Math.min(Metering.cost(usage, rates), job.deposit));
        usage = _capped(report.usage, job, Math.min(block.timestamp, job.deadline) - head.startedAt);
        run.usage = usage;
        head.reportedAt = uint32(block.timestamp); // at most the deadline and the grace
        _saveHead(run, head);
        uint256 earned = Math.min(Metering.cost(usage, rates), job.deposit);
        emit UsageReported(report.jobId, msg.sender, report.attempt, usage, earned);
        return 0;
    }

    /// @dev Keeps what was earned at the ends of the two epochs before this report's. `earned` is from before it.
    function _rollEpoch(StoredRun storage run, uint256 reportedAt, uint256 earned) private {
        uint256 epochs = block.timestamp / window - reportedAt / window;
        if (epochs == 0 || earned == 0) return;
        Takings memory takings = _takingsOf(run);
        takings.earnedBefore = epochs == 1 ? takings.earnedPrevious : uint80(earned);
        takings.earnedPrevious = uint80(earned); // at most the deposit
        _saveTakings(run, takings);
    }

    /// @dev No metric above what was reserved for the seconds that passed; two 32-bit factors fit 64 bits.
    function _capped(Usage calldata usage, Job memory job, uint256 span) private pure returns (Usage memory) {
        return Usage({
            cpuMs: uint64(Math.min(usage.cpuMs, job.cpuMillis * span)),
            memoryMibS: uint64(Math.min(usage.memoryMibS, job.memoryMib * span)),
            egressKib: uint64(Math.min(usage.egressKib, job.egressKibS * span)),
            wallS: uint64(Math.min(usage.wallS, span))
        });
    }

    /// @dev Reverts with the error whose selector `_accept` returned.
    function _refuse(UsageReport calldata report, bytes4 reason) private view {
        if (reason == NotProvider.selector) revert NotProvider(msg.sender);
        if (reason == RunSettled.selector) revert RunSettled(report.jobId, report.attempt);
        if (reason == ReportTooLate.selector) revert ReportTooLate(report.jobId, report.attempt);
        if (reason == UsageFell.selector) revert UsageFell(report.jobId, report.attempt);
        revert WrongState(report.jobId, _jobs[report.jobId].state);
    }

    /// @dev Books one withdrawal and returns its amount; 0 for another's run or one with nothing new that is final.
    function _take(bytes32 jobId, uint8 attempt) private returns (uint256 amount) {
        StoredRun storage run = _runs[jobId][attempt];
        if (run.head.provider != msg.sender) return 0;
        Job memory job = _job(jobId);
        uint256 earned = _earned(job, jobId, attempt);
        uint256 finalEarned = _finalEarned(run, earned);
        amount = finalEarned - run.takings.withdrawn;
        if (amount == 0) return 0;
        run.takings.withdrawn = uint80(finalEarned); // at most the deposit
        emit Withdrawn(jobId, msg.sender, attempt, amount);
        bool emptied = attempt == job.attempt && finalEarned == job.deposit;
        if (emptied && _stateAt(job, earned) == JobState.Ended) _jobs[jobId].state = JobState.Closed;
    }

    /// @dev The caller's rate card, if the caller may claim this job.
    function _claimableCard(JobTerms calldata terms) private view returns (uint16) {
        Provider memory provider = _providers[msg.sender];
        if (provider.rateCard == 0) revert NotRegistered(msg.sender);
        uint256 bond = provider.unbondAt == 0 ? provider.bond : 0;
        if (bond < minBond) revert BondTooSmall(bond, minBond);
        if (!Metering.within(_rateCard(msg.sender, provider.rateCard), terms.maxRates)) revert RatesTooHigh();
        return provider.rateCard;
    }

    function _checkAssignment(
        bytes32 jobId,
        uint8 attempt,
        address scheduler,
        Assignment calldata assignment,
        bytes calldata signature
    ) private view {
        if (assignment.deadline < block.timestamp) {
            revert AssignmentExpired(assignment.deadline);
        }
        bool matches = assignment.jobId == jobId && assignment.attempt == attempt && assignment.provider == msg.sender;
        bytes32 digest = _hashTypedDataV4(
            keccak256(
                abi.encode(ASSIGNMENT_TYPEHASH, jobId, attempt, msg.sender, assignment.image, assignment.deadline)
            )
        );
        if (!matches || !Signatures.isBy(scheduler, digest, signature)) revert AssignmentInvalid();
    }
}
