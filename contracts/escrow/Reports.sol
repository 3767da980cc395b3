// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {IDRaaSEscrow} from "../interfaces/IDRaaSEscrow.sol";
import {JobState, RunRef, SignedReport, Usage, UsageReport} from "../interfaces/Types.sol";
import {JobSlot} from "../libraries/JobSlot.sol";
import {Messages} from "../libraries/Messages.sol";
import {Metering} from "../libraries/Metering.sol";
import {ProviderSlot} from "../libraries/ProviderSlot.sol";
import {RatesSlot} from "../libraries/RatesSlot.sol";
import {RunSlot} from "../libraries/RunSlot.sol";
import {Runs} from "./Runs.sol";

/// @title Usage reports and withdrawals
/// @notice Every report releases payment by itself; a withdrawal moves what has become final.
abstract contract Reports is Runs {
    /// @dev Whose word a report is: its provider's in person, or by a signature, or by that and the consumer's.
    enum Word {
        Own,
        Relayed,
        Agreed
    }

    /// @dev What a report is booked with; a batch of one provider's reads its rate card once.
    struct Booking {
        address provider;
        Word word;
        uint16 rateCard; // the one in `rates`; 0 for none yet
        RatesSlot rates;
        uint256 released; // final earnings found on the way, for the provider's credit
    }

    /// @inheritdoc IDRaaSEscrow
    function reportUsage(UsageReport[] calldata reports) external {
        Booking memory booking = _bookingOf(msg.sender, Word.Own);
        if (reports.length == 0) revert NothingToReport();
        bool accepted = false;
        bytes4 firstReason = 0;
        for (uint256 i = 0; i < reports.length; ++i) {
            bytes4 reason = _book(reports[i], booking);
            if (reason == 0) accepted = true;
            else firstReason = _skip(reports[i], reason, firstReason);
        }
        if (!accepted) _refuse(reports[0], firstReason);
        _credit(msg.sender, booking.released);
    }

    /// @inheritdoc IDRaaSEscrow
    function relayReports(SignedReport[] calldata reports) external {
        if (reports.length == 0) revert NothingToReport();
        bool accepted = false;
        bytes4 firstReason = 0;
        for (uint256 i = 0; i < reports.length; ++i) {
            bytes4 reason = _relay(reports[i]);
            if (reason == 0) accepted = true;
            else firstReason = _skip(reports[i].report, reason, firstReason);
        }
        if (!accepted) _refuse(reports[0].report, firstReason);
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
        Booking memory booking = _bookingOf(signed.provider, Word.Agreed);
        bytes4 reason = _book(report, booking);
        if (reason != 0) _refuse(report, reason);
        StoredRun storage stored = _runs[report.jobId][report.attempt][signed.provider];
        RunSlot run = stored.slot;
        uint72 earned = uint72(run.earned()); // its own width
        uint256 amount = earned - run.released();
        if (amount + booking.released == 0) revert NothingNew(report.jobId, report.attempt);
        stored.slot = run.withPrevious(earned).withReleased(earned);
        _credit(signed.provider, booking.released + amount);
        emit Released(report.jobId, signed.provider, report.attempt, amount);
    }

    /// @inheritdoc IDRaaSEscrow
    function completeJob(UsageReport calldata report, int32 exitCode, string calldata resultCid) external {
        Booking memory booking = _bookingOf(msg.sender, Word.Own);
        bytes4 reason = _book(report, booking);
        if (reason != 0) _refuse(report, reason);
        _credit(msg.sender, booking.released);
        RunSlot run = _runs[report.jobId][report.attempt][msg.sender].slot;
        (JobSlot job, ProviderSlot record) = _settle(report.jobId, _jobs[report.jobId], msg.sender, run);
        _jobs[report.jobId] = job;
        _providers[msg.sender] = record.plusCompleted();
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

    function _bookingOf(address provider, Word word) private pure returns (Booking memory) {
        return Booking(provider, word, 0, RatesSlot.wrap(0), 0);
    }

    /// @dev Books one report. Returns 0, or the selector of the error that says why it was not accepted; then nothing
    /// has changed.
    function _book(UsageReport calldata report, Booking memory booking) private returns (bytes4) {
        (bytes32 jobId, uint8 attempt, address provider) = (report.jobId, report.attempt, booking.provider);
        StoredRun storage stored = _runs[jobId][attempt][provider];
        RunSlot run = stored.slot;
        if (!run.isLive()) return run.isAbsent() ? NoSuchRun.selector : RunNotLive.selector;
        JobSlot job = _jobs[jobId]; // a live run is the current attempt's
        if (_isGraceOver(job)) return ReportTooLate.selector;
        if (booking.rateCard != job.rateCard()) {
            booking.rateCard = job.rateCard();
            booking.rates = _rates[provider][booking.rateCard];
        }
        uint256 span;
        unchecked {
            span = Math.min(block.timestamp, job.deadline()) - (job.deadline() - job.duration());
        }
        Usage memory usage = Metering.capped(report.usage, job, span);
        uint256 earned = Math.min(Metering.cost(usage, booking.rates), job.deposit());
        if (earned < run.earned()) return UsageFell.selector;
        if (booking.word != Word.Own) {
            // Capped totals would be worth more with every second, and the same signature of use again.
            if (Metering.exceeds(report.usage, usage)) return UsageAboveCap.selector;
            if (booking.word == Word.Relayed && earned == run.earned()) return NothingNew.selector;
        }
        if (block.timestamp / window != run.reportedAt() / window) run = _rolled(report, booking, run);
        // At most the deposit; at most the deadline and the grace.
        stored.slot = run.withEarned(uint72(earned)).withReportedAt(uint32(block.timestamp));
        if (earned == job.deposit() && job.state() == JobState.Running) _jobs[jobId] = _ended(job);
        emit UsageReported(jobId, provider, attempt, usage, earned);
        return 0;
    }

    /// @dev Enters a new epoch: what is final is released, so that two amounts are enough to remember.
    function _rolled(UsageReport calldata report, Booking memory booking, RunSlot run) private returns (RunSlot) {
        uint256 finalEarned = _finalEarned(run);
        uint256 amount = finalEarned - run.released();
        if (amount != 0) {
            booking.released += amount;
            emit Released(report.jobId, booking.provider, report.attempt, amount);
        }
        // Both are parts of what was earned.
        return run.withPrevious(uint72(run.earned())).withReleased(uint72(finalEarned));
    }

    function _relay(SignedReport calldata signed) private returns (bytes4 reason) {
        if (block.timestamp > signed.deadline) return ReportExpired.selector;
        bytes32 message = Messages.usageReport(signed.report, signed.deadline);
        if (!_isSignedBy(signed.provider, message, signed.signature)) return ReportNotSigned.selector;
        Booking memory booking = _bookingOf(signed.provider, Word.Relayed);
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
        StoredRun storage stored = _runs[jobId][attempt][msg.sender];
        RunSlot run = stored.slot;
        uint256 finalEarned = _finalEarned(run);
        amount = finalEarned - run.released();
        if (amount == 0) return 0;
        stored.slot = run.withReleased(uint72(finalEarned)); // at most the deposit
        emit Withdrawn(jobId, msg.sender, attempt, amount);
    }
}
