// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {IDRaaSEscrow, Job, JobState, JobTerms} from "../interfaces/IDRaaSEscrow.sol";
import {Ledger} from "./Ledger.sol";

/// @title Disputes over what is not final, ruled by a fixed address or, when it is silent, split evenly
abstract contract Disputes is Ledger {
    uint256 private constant WHOLE = 10_000;

    struct DisputeRecord {
        address opener;
        uint40 openedAt;
        address consumer;
    }

    mapping(bytes32 jobId => mapping(uint8 attempt => DisputeRecord)) private _disputes;

    /// @inheritdoc IDRaaSEscrow
    function dispute(JobTerms calldata terms, uint8 attempt, string calldata evidenceCid) external {
        bytes32 jobId = jobIdOf(terms);
        StoredRun storage run = _runs[jobId][attempt];
        RunHead memory head = _headOf(run);
        bool isParty = msg.sender == terms.consumer || msg.sender == terms.watcher || msg.sender == head.provider;
        if (!isParty) revert NotParty(msg.sender);
        Job memory job = _job(jobId);
        Takings memory takings = _takingsOf(run);
        if (takings.frozen) revert WrongState(jobId, job.state);
        uint256 earned = _earned(job, jobId, attempt);
        uint256 finalEarned = _finalEarned(run, earned);
        if (earned == finalEarned) revert NothingToDispute(jobId, attempt);

        takings.frozen = true;
        takings.earnedBefore = uint80(finalEarned); // both at most the deposit
        takings.earnedPrevious = uint80(earned);
        _saveTakings(run, takings);
        if (attempt == job.attempt) _halt(jobId, job, run, head);
        _disputes[jobId][attempt] = DisputeRecord(msg.sender, uint40(block.timestamp), terms.consumer);
        emit JobDisputed(jobId, msg.sender, attempt, earned - finalEarned, evidenceCid);
        _receive(disputeBond);
    }

    /// @inheritdoc IDRaaSEscrow
    function rule(bytes32 jobId, uint8 attempt, uint256 share) external {
        if (msg.sender != arbiter) revert NotArbiter(msg.sender);
        if (share > WHOLE) revert ShareTooLarge(share);
        DisputeRecord memory record = _openDispute(jobId, attempt);
        uint256 dueAt = record.openedAt + rulingTime;
        if (block.timestamp > dueAt) revert RulingTooLate(dueAt);
        bool openerProvides = record.opener == _runs[jobId][attempt].head.provider;
        bool openerWon = openerProvides ? share >= WHOLE / 2 : share < WHOLE / 2;
        _settle(jobId, attempt, share, record, openerWon);
    }

    /// @inheritdoc IDRaaSEscrow
    function ruleByDefault(bytes32 jobId, uint8 attempt) external {
        DisputeRecord memory record = _openDispute(jobId, attempt);
        uint256 dueAt = record.openedAt + rulingTime;
        if (block.timestamp <= dueAt) revert RulingNotDue(dueAt);
        _settle(jobId, attempt, WHOLE / 2, record, true);
    }

    /// @inheritdoc IDRaaSEscrow
    function withdrawCredit() external returns (uint256 amount) {
        amount = _credits[msg.sender];
        if (amount == 0) revert NothingToWithdraw();
        _credits[msg.sender] = 0;
        emit CreditWithdrawn(msg.sender, amount);
        _send(msg.sender, amount);
    }

    /// @dev Stops the current attempt for its dispute.
    function _halt(bytes32 jobId, Job memory job, StoredRun storage run, RunHead memory head) private {
        head.settled = true;
        _saveHead(run, head);
        job.state = JobState.Disputed;
        job.deadline = uint32(Math.min(job.deadline, block.timestamp));
        _save(jobId, job);
    }

    /// @dev Splits what was frozen. The consumer's part joins the unspent deposit of the current attempt; an older
    /// attempt has none, so there it is credited.
    function _settle(bytes32 jobId, uint8 attempt, uint256 share, DisputeRecord memory record, bool openerWon) private {
        StoredRun storage run = _runs[jobId][attempt];
        Takings memory takings = _takingsOf(run);
        uint256 frozen = takings.earnedPrevious - takings.earnedBefore;
        uint256 toProvider = frozen * share / WHOLE;
        takings.earnedBefore += uint80(toProvider); // at most what was frozen
        takings.earnedPrevious = takings.earnedBefore;
        takings.frozen = false;
        takings.ruled = true;
        _saveTakings(run, takings);
        if (_jobs[jobId].attempt == attempt) _jobs[jobId].state = JobState.Ended;
        else _credits[record.consumer] += frozen - toProvider;
        address provider = run.head.provider;
        address loser = record.opener == provider ? record.consumer : provider;
        _credits[openerWon ? record.opener : loser] += disputeBond;
        emit DisputeRuled(jobId, attempt, share, toProvider, frozen - toProvider);
    }

    function _openDispute(bytes32 jobId, uint8 attempt) private view returns (DisputeRecord memory) {
        if (!_runs[jobId][attempt].takings.frozen) revert NotDisputed(jobId, attempt);
        return _disputes[jobId][attempt];
    }
}
