// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {IArbitrable, IArbitrator} from "../interfaces/IArbitration.sol";
import {IDRaaSEscrow} from "../interfaces/IDRaaSEscrow.sol";
import {DisputeRecord, JobState, JobTerms, Parameters, RunState} from "../interfaces/Types.sol";
import {JobSlot} from "../libraries/JobSlot.sol";
import {ProviderSlot} from "../libraries/ProviderSlot.sol";
import {Metering} from "../libraries/Metering.sol";
import {RunSlot} from "../libraries/RunSlot.sol";
import {Runs} from "./Runs.sol";

/// @title Disputes over what is not final, ruled by an ERC-792 arbitrator or, when it is silent, split evenly
/// @notice The opener pays the arbitrator, and the loser pays the opener: a provider out of the bond of the run, a
/// consumer out of what is left of the deposit. A ruling r of 1 to 10,001 gives r - 1 of 10,000 to the provider.
abstract contract Disputes is Runs {
    uint256 private constant WHOLE = 10_000;

    /// @inheritdoc IDRaaSEscrow
    address public immutable arbitrator;
    /// @inheritdoc IDRaaSEscrow
    uint256 public immutable courtId;
    /// @inheritdoc IDRaaSEscrow
    uint256 public immutable minJurors;
    mapping(uint256 disputeId => DisputeRecord) private _disputes;

    constructor(address arbitrator_, string memory metaEvidence, Parameters memory p) {
        if (arbitrator_.code.length == 0) revert BadParameters();
        arbitrator = arbitrator_;
        courtId = p.courtId;
        minJurors = p.minJurors;
        emit MetaEvidence(0, metaEvidence);
    }

    /// @inheritdoc IDRaaSEscrow
    function disputes(uint256 disputeId) external view returns (DisputeRecord memory) {
        return _disputes[disputeId];
    }

    /// @inheritdoc IDRaaSEscrow
    function disputeFee() external view returns (uint256 fee) {
        return IArbitrator(arbitrator).arbitrationCost(_extraData(address(0), address(0), address(0)));
    }

    /// @inheritdoc IDRaaSEscrow
    function dispute(JobTerms calldata terms, uint8 attempt, address provider, string calldata evidence)
        external
        payable
        returns (uint256 disputeId)
    {
        bytes32 jobId = jobIdOf(terms);
        if (msg.sender != terms.consumer && msg.sender != provider && msg.sender != terms.watcher) {
            revert NotParty(msg.sender);
        }
        (uint256 frozen, uint72 unreported) = _freeze(jobId, attempt, provider);
        _receive(disputeBond);
        // The number comes from the arbitrator; until it is known here, a ruling of it is refused.
        // slither-disable-next-line reentrancy-benign
        disputeId = _createDispute(terms.consumer, provider);
        if (_disputes[disputeId].open) revert DisputeIdTaken(disputeId);
        _disputes[disputeId] = DisputeRecord(
            jobId, provider, attempt, true, uint40(block.timestamp), terms.consumer, unreported, msg.sender
        );
        emit JobDisputed(jobId, disputeId, msg.sender, provider, attempt, frozen);
        emit Dispute(IArbitrator(arbitrator), disputeId, 0, disputeId);
        emit Evidence(IArbitrator(arbitrator), disputeId, msg.sender, evidence);
    }

    /// @inheritdoc IDRaaSEscrow
    function submitEvidence(uint256 disputeId, string calldata evidence) external {
        _openAsParty(disputeId);
        emit Evidence(IArbitrator(arbitrator), disputeId, msg.sender, evidence);
    }

    /// @inheritdoc IDRaaSEscrow
    function appeal(uint256 disputeId) external payable {
        DisputeRecord storage record = _openAsParty(disputeId);
        uint256 until = record.openedAt + rulingTime / 2;
        if (block.timestamp > until) revert AppealTooLate(until);
        bytes memory extraData = _extraData(record.consumer, record.provider, record.opener);
        uint256 fee = IArbitrator(arbitrator).appealCost(disputeId, extraData);
        if (msg.value != fee) revert WrongFee(fee);
        // slither-disable-next-line arbitrary-send-eth - the arbitrator is fixed at deployment
        IArbitrator(arbitrator).appeal{value: fee}(disputeId, extraData);
    }

    /// @inheritdoc IArbitrable
    function rule(uint256 disputeId, uint256 ruling) external {
        if (msg.sender != arbitrator) revert NotArbitrator(msg.sender);
        DisputeRecord storage record = _open(disputeId);
        uint256 dueAt = record.openedAt + rulingTime;
        if (block.timestamp > dueAt) revert RulingTooLate(dueAt);
        if (ruling > WHOLE + 1) revert RulingTooLarge(ruling);
        emit Ruling(IArbitrator(arbitrator), disputeId, ruling);
        if (ruling == 0 || ruling == WHOLE / 2 + 1) return _splitEvenly(disputeId, record);
        uint256 share = ruling - 1;
        uint256 owed = 0;
        if (share < WHOLE / 2) _chargeProvider(record);
        else owed = _chargeConsumer(record);
        _split(disputeId, record, share, owed);
    }

    /// @inheritdoc IDRaaSEscrow
    function ruleByDefault(uint256 disputeId) external {
        DisputeRecord storage record = _open(disputeId);
        uint256 dueAt = record.openedAt + rulingTime;
        if (block.timestamp <= dueAt) revert RulingNotDue(dueAt);
        _splitEvenly(disputeId, record);
    }

    /// @dev Stops the run, and keeps what is not final of it where it is. Returns its amount, and what the run may have
    /// earned since its last report: it gets no other, and who ends a run by a lost dispute pays no less than by a cancel.
    function _freeze(bytes32 jobId, uint8 attempt, address provider)
        private
        returns (uint256 frozen, uint72 unreported)
    {
        StoredRun storage stored = _runs[jobId][attempt][provider];
        RunSlot run = stored.slot;
        if (run.isAbsent()) revert NoSuchRun(jobId, attempt);
        uint256 finalEarned = _finalEarned(run);
        frozen = run.earned() - finalEarned;
        if (run.state() == RunState.Frozen || frozen == 0) revert NothingToDispute(jobId, attempt);
        JobSlot job = _jobs[jobId];
        if (run.isLive()) {
            bool isLate = _isGraceOver(job); // then the last report was missed already
            (job, _providers[provider]) = _settle(jobId, job, provider, run);
            uint256 span = isLate ? 0 : job.deadline() - Math.min(job.deadline(), run.reportedAt());
            uint256 cost = Metering.reserveCost(job, _rates[provider][job.rateCard()], span);
            unreported = uint72(Math.min(cost, job.deposit())); // which has that width
        }
        if (attempt == job.attempt()) job = job.withState(JobState.Disputed);
        _jobs[jobId] = job;
        // What is final is part of what was earned.
        stored.slot = run.withState(RunState.Frozen).withPrevious(uint72(finalEarned));
    }

    function _createDispute(address consumer, address provider) private returns (uint256) {
        bytes memory extraData = _extraData(consumer, provider, msg.sender);
        uint256 fee = IArbitrator(arbitrator).arbitrationCost(extraData);
        if (msg.value != fee) revert WrongFee(fee);
        // slither-disable-next-line arbitrary-send-eth - the arbitrator is fixed at deployment
        return IArbitrator(arbitrator).createDispute{value: fee}(WHOLE + 1, extraData);
    }

    /// @dev The provider lost: the bond of the run pays the opener's costs, and the rest of it is burned.
    function _chargeProvider(DisputeRecord storage record) private {
        (ProviderSlot provider, uint256 slashed) =
            _slash(_providers[record.provider], record.provider, record.jobId, _jobs[record.jobId]);
        _providers[record.provider] = provider.plusDisputesLost();
        bool openerWon = record.opener != record.provider;
        uint256 costs = openerWon ? Math.min(disputeBond, slashed) : 0;
        burned += slashed - costs;
        _credit(openerWon ? record.opener : record.consumer, disputeBond + costs);
    }

    /// @dev The consumer lost: it owes a provider that had to open the dispute its costs, or what ran unreported when its
    /// run was ended by it.
    function _chargeConsumer(DisputeRecord storage record) private returns (uint256 owed) {
        _credit(record.provider, disputeBond);
        return record.opener == record.provider ? disputeBond : record.unreported;
    }

    /// @dev Nobody ruled, or evenly: nobody lost.
    function _splitEvenly(uint256 disputeId, DisputeRecord storage record) private {
        _credit(record.opener, disputeBond);
        _split(disputeId, record, WHOLE / 2, 0);
    }

    /// @dev Parts what was frozen; rounding favours the consumer. What it owes is paid out of what is left of the deposit.
    /// The provider's record loses what was not earned.
    function _split(uint256 disputeId, DisputeRecord storage record, uint256 share, uint256 owed) private {
        record.open = false;
        StoredRun storage stored = _runs[record.jobId][record.attempt][record.provider];
        RunSlot run = stored.slot;
        uint256 frozen = run.earned() - run.previous();
        uint256 toProvider = frozen * share / WHOLE;
        uint72 earned = uint72(run.previous() + toProvider); // at most what was earned
        stored.slot = run.withEarned(earned).withState(RunState.Ruled);
        JobSlot job = _jobs[record.jobId];
        uint256 costs = 0;
        if (job.attempt() == record.attempt) {
            costs = Math.min(owed, job.deposit());
            uint72 left = uint72(job.deposit() - costs); // less than it was
            _jobs[record.jobId] = job.withState(JobState.Ended).withDeposit(left);
        }
        _credit(record.provider, costs);
        _credit(record.consumer, frozen - toProvider);
        ProviderSlot provider = _providers[record.provider];
        uint256 lost = Math.min(provider.earned(), frozen - toProvider);
        _providers[record.provider] = provider.withEarned(provider.earned() - lost);
        emit DisputeRuled(record.jobId, disputeId, record.attempt, share, toProvider, frozen - toProvider, costs);
    }

    function _open(uint256 disputeId) private view returns (DisputeRecord storage record) {
        record = _disputes[disputeId];
        if (!record.open) revert NotDisputed(disputeId);
    }

    function _openAsParty(uint256 disputeId) private view returns (DisputeRecord storage record) {
        record = _open(disputeId);
        bool isParty = msg.sender == record.consumer || msg.sender == record.provider || msg.sender == record.opener;
        if (!isParty) revert NotParty(msg.sender);
    }

    /// @dev Two words as Kleros' courts read them, and those who cannot judge.
    function _extraData(address consumer, address provider, address opener) private view returns (bytes memory) {
        return abi.encode(courtId, minJurors, consumer, provider, opener);
    }
}
