// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {IDRaaSEscrow} from "../interfaces/IDRaaSEscrow.sol";
import {
    Job,
    JobState,
    Provider,
    Rates,
    Run,
    RunRef,
    RunState,
    SignedReport,
    Usage,
    UsageReport
} from "../interfaces/Types.sol";
import {Messages} from "../libraries/Messages.sol";
import {Metering} from "../libraries/Metering.sol";
import {Runs} from "./Runs.sol";

/// @title Usage reports, which release payment, and the withdrawal of what has become final
abstract contract Reports is Runs {
    /// @dev What a report is booked with; a batch of one provider's reads its rate card once.
    struct Booking {
        address provider;
        bool mustRise; // refuse totals that are worth no more than the last
        uint16 rateCard; // the one in `rates`; 0 for none yet
        Rates rates;
        uint256 released; // final earnings found on the way, for the provider's credit
    }

    /// @inheritdoc IDRaaSEscrow
    function reportUsage(UsageReport[] calldata reports) external {
        Booking memory booking;
        booking.provider = msg.sender;
        (uint256 accepted, bytes4 firstReason) = (0, 0);
        for (uint256 i = 0; i < reports.length; ++i) {
            bytes4 reason = _book(reports[i], booking);
            if (reason == 0) ++accepted;
            else firstReason = _skip(reports[i], reason, firstReason);
        }
        if (reports.length == 0) revert NothingToReport();
        if (accepted == 0) _refuse(reports[0], firstReason);
        _credit(msg.sender, booking.released);
    }

    /// @inheritdoc IDRaaSEscrow
    function relayReports(SignedReport[] calldata reports) external {
        (uint256 accepted, bytes4 firstReason) = (0, 0);
        for (uint256 i = 0; i < reports.length; ++i) {
            bytes4 reason = _relay(reports[i]);
            if (reason == 0) ++accepted;
            else firstReason = _skip(reports[i].report, reason, firstReason);
        }
        if (reports.length == 0) revert NothingToReport();
        if (accepted == 0) _refuse(reports[0].report, firstReason);
    }

    /// @inheritdoc IDRaaSEscrow
    function reportFinal(
        SignedReport calldata signed,
        address consumer,
        bytes32 termsHash,
        bytes calldata consumerSignature
    ) external {
        UsageReport calldata report = signed.report;
        bytes32 message = Messages.usageReport(report, signed.deadline);
        if (_idOf(consumer, termsHash) != report.jobId) revert SignatureInvalid();
        _requireSigned(consumer, message, signed.deadline, consumerSignature);
        if (msg.sender != signed.provider) {
            _requireSigned(signed.provider, message, signed.deadline, signed.signature);
        }
        Booking memory booking;
        booking.provider = signed.provider;
        bytes4 reason = _book(report, booking);
        if (reason != 0) _refuse(report, reason);
        Run memory run = _run(report.jobId, report.attempt, signed.provider);
        uint256 amount = run.earned - run.released;
        run.previous = run.earned;
        run.released = run.earned;
        _saveRun(report.jobId, report.attempt, signed.provider, run);
        _credit(signed.provider, booking.released + amount);
        emit Released(report.jobId, signed.provider, report.attempt, amount);
    }

    /// @inheritdoc IDRaaSEscrow
    function completeJob(UsageReport calldata report, int32 exitCode, string calldata resultCid) external {
        Booking memory booking;
        booking.provider = msg.sender;
        bytes4 reason = _book(report, booking);
        if (reason != 0) _refuse(report, reason);
        _credit(msg.sender, booking.released);
        Job memory job = _job(report.jobId);
        Provider memory record = _settle(report.jobId, job, msg.sender, _run(report.jobId, report.attempt, msg.sender));
        record.completed += 1;
        _saveProvider(msg.sender, record);
        _save(report.jobId, job);
        emit JobCompleted(report.jobId, msg.sender, report.attempt, exitCode, resultCid);
    }

    /// @inheritdoc IDRaaSEscrow
    function withdraw(RunRef[] calldata refs) external returns (uint256 amount) {
        for (uint256 i = 0; i < refs.length; ++i) {
            amount += _take(refs[i].jobId, refs[i].attempt);
        }
        uint256 credit = _credits[msg.sender];
        if (credit != 0) {
            _credits[msg.sender] = 0;
            amount += credit;
            emit CreditWithdrawn(msg.sender, credit);
        }
        if (amount == 0) revert NothingToWithdraw();
        _send(msg.sender, amount);
    }

    /// @dev Books one report. Returns 0, or the selector of the error that says why it was not accepted; then nothing
    /// has changed.
    function _book(UsageReport calldata report, Booking memory booking) private returns (bytes4) {
        Run memory run = _run(report.jobId, report.attempt, booking.provider);
        if (run.state == RunState.Absent) return NoSuchRun.selector;
        if (run.state != RunState.Live) return RunNotLive.selector;
        Job memory job = _job(report.jobId); // a live run is the current attempt's
        if (_isGraceOver(job)) return ReportTooLate.selector;
        Usage memory usage =
            Metering.capped(report.usage, job, Math.min(block.timestamp, job.deadline) - (job.deadline - job.duration));
        if (booking.rateCard != job.rateCard) {
            (booking.rateCard, booking.rates) = (job.rateCard, _rateCard(booking.provider, job.rateCard));
        }
        uint256 earned = Math.min(Metering.cost(usage, booking.rates), job.deposit);
        if (earned < run.earned) return UsageFell.selector;
        if (booking.mustRise && earned == run.earned) return NothingNew.selector;
        booking.released += _roll(report, booking.provider, run);
        run.earned = uint72(earned); // at most the deposit
        run.reportedAt = uint32(block.timestamp); // at most the deadline and the grace
        _saveRun(report.jobId, report.attempt, booking.provider, run);
        if (earned == job.deposit && job.state == JobState.Running) {
            _endNow(job);
            _save(report.jobId, job);
        }
        emit UsageReported(report.jobId, booking.provider, report.attempt, usage, earned);
        return 0;
    }

    /// @dev Enters a new epoch: what is final is released, so that two amounts are enough to remember. Returns what
    /// was released.
    function _roll(UsageReport calldata report, address provider, Run memory run) private returns (uint256 amount) {
        if (block.timestamp / window == run.reportedAt / window) return 0;
        uint72 finalEarned = uint72(_finalEarned(run)); // part of what was earned
        amount = finalEarned - run.released;
        run.released = finalEarned;
        run.previous = run.earned;
        if (amount != 0) emit Released(report.jobId, provider, report.attempt, amount);
    }

    function _relay(SignedReport calldata signed) private returns (bytes4 reason) {
        if (block.timestamp > signed.deadline) return ReportExpired.selector;
        bytes32 message = Messages.usageReport(signed.report, signed.deadline);
        if (!_isSignedBy(signed.provider, message, signed.signature)) return ReportNotSigned.selector;
        Booking memory booking;
        (booking.provider, booking.mustRise) = (signed.provider, true);
        reason = _book(signed.report, booking);
        _credit(signed.provider, booking.released);
    }

    /// @dev Tells of an item that was passed over; keeps the first reason.
    function _skip(UsageReport calldata report, bytes4 reason, bytes4 first) private returns (bytes4) {
        emit ReportSkipped(report.jobId, report.attempt, reason);
        return first == 0 ? reason : first;
    }

    /// @dev Reverts with the error of this selector; those that refuse a report all say which.
    function _refuse(UsageReport calldata report, bytes4 reason) private pure {
        bytes memory data = abi.encodeWithSelector(reason, report.jobId, report.attempt);
        assembly ("memory-safe") {
            revert(add(data, 32), mload(data))
        }
    }

    /// @dev Books one withdrawal and returns its amount; 0 for a run with nothing new that is final.
    function _take(bytes32 jobId, uint8 attempt) private returns (uint256 amount) {
        Run memory run = _run(jobId, attempt, msg.sender);
        uint256 finalEarned = _finalEarned(run);
        amount = finalEarned - run.released;
        if (amount == 0) return 0;
        run.released = uint72(finalEarned); // at most the deposit
        _saveRun(jobId, attempt, msg.sender, run);
        emit Withdrawn(jobId, msg.sender, attempt, amount);
    }
}
