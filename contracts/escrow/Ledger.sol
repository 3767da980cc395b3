// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {IDRaaSEscrow} from "../interfaces/IDRaaSEscrow.sol";
import {Job, JobState, JobTerms, Parameters, Provider, Rates, Run} from "../interfaces/Types.sol";
import {Metering} from "../libraries/Metering.sol";
import {JobSlot} from "../libraries/JobSlot.sol";
import {ProviderSlot} from "../libraries/ProviderSlot.sol";
import {RatesSlot} from "../libraries/RatesSlot.sol";
import {RunSlot} from "../libraries/RunSlot.sol";
import {Terms} from "../libraries/Terms.sol";

/// @title The escrow's books
/// @notice What is stored, what follows from it, and the two ways in which tokens move.
abstract contract Ledger is IDRaaSEscrow {
    using SafeERC20 for IERC20;

    /// @dev Times are kept in 32 bits: until 2106.
    uint256 internal constant LAST_SECOND = type(uint32).max;

    /// @dev A run's word, to be pointed at.
    struct StoredRun {
        RunSlot slot;
    }

    /// @dev The chain's id at deployment: a fork that takes another must still find its jobs.
    uint256 internal immutable _chainId;
    /// @inheritdoc IDRaaSEscrow
    address public immutable token;
    /// @inheritdoc IDRaaSEscrow
    uint256 public immutable window;
    /// @inheritdoc IDRaaSEscrow
    uint256 public immutable lapseAfter;
    /// @inheritdoc IDRaaSEscrow
    uint256 public immutable settleGrace;
    /// @inheritdoc IDRaaSEscrow
    uint256 public immutable bondPerUnit;
    /// @inheritdoc IDRaaSEscrow
    uint256 public immutable disputeBond;
    /// @inheritdoc IDRaaSEscrow
    uint256 public immutable rulingTime;
    /// @inheritdoc IDRaaSEscrow
    uint256 public immutable unbondTime;
    /// @inheritdoc IDRaaSEscrow
    uint256 public immutable lapsesPerSlash;

    mapping(bytes32 jobId => JobSlot) internal _jobs;
    /// @dev A provider finds its own runs only: who names another's finds an empty slot.
    mapping(bytes32 jobId => mapping(uint8 attempt => mapping(address provider => StoredRun))) internal _runs;
    mapping(address provider => ProviderSlot) internal _providers;
    mapping(address provider => mapping(uint16 rateCard => RatesSlot)) internal _rates;
    mapping(address account => uint256) internal _credits;
    /// @inheritdoc IDRaaSEscrow
    uint256 public burned;

    constructor(address token_, Parameters memory p) {
        bool sound = token_.code.length != 0;
        sound = sound && _isSpan(p.window) && _isSpan(p.lapseAfter) && _isSpan(p.settleGrace) && _isSpan(p.rulingTime);
        // A bond has to be there until the last dispute that it answers for is ruled.
        sound = sound && _isSpan(p.unbondTime) && p.unbondTime > 2 * p.window + p.rulingTime;
        sound = sound && p.bondPerUnit <= type(uint128).max && p.disputeBond <= type(uint128).max;
        if (!sound || p.lapsesPerSlash == 0) revert BadParameters();
        _chainId = block.chainid;
        token = token_;
        window = p.window;
        lapseAfter = p.lapseAfter;
        settleGrace = p.settleGrace;
        bondPerUnit = p.bondPerUnit;
        disputeBond = p.disputeBond;
        rulingTime = p.rulingTime;
        unbondTime = p.unbondTime;
        lapsesPerSlash = p.lapsesPerSlash;
    }

    // ---- Views ----------------------------------------------------------------------------------------------

    /// @inheritdoc IDRaaSEscrow
    function jobIdOf(JobTerms calldata terms) public view returns (bytes32) {
        return _idOf(terms.consumer, Terms.hash(terms));
    }

    /// @inheritdoc IDRaaSEscrow
    function stateOf(bytes32 jobId) external view returns (JobState) {
        return _stateAt(_jobs[jobId]);
    }

    /// @inheritdoc IDRaaSEscrow
    function jobs(bytes32 jobId) external view returns (Job memory) {
        return _jobs[jobId].unpack();
    }

    /// @inheritdoc IDRaaSEscrow
    function runs(bytes32 jobId, uint8 attempt, address provider) external view returns (Run memory) {
        return _runs[jobId][attempt][provider].slot.unpack();
    }

    /// @inheritdoc IDRaaSEscrow
    function providers(address provider) external view returns (Provider memory) {
        return _providers[provider].unpack();
    }

    /// @inheritdoc IDRaaSEscrow
    function ratesOf(address provider, uint16 rateCard) external view returns (Rates memory) {
        return _rates[provider][rateCard].unpack();
    }

    /// @inheritdoc IDRaaSEscrow
    function earnedOf(bytes32 jobId, uint8 attempt, address provider)
        external
        view
        returns (uint256 earned, uint256 finalEarned)
    {
        RunSlot run = _runs[jobId][attempt][provider].slot;
        return (run.earned(), _finalEarned(run));
    }

    /// @inheritdoc IDRaaSEscrow
    function withdrawableOf(bytes32 jobId, uint8 attempt, address provider) external view returns (uint256) {
        RunSlot run = _runs[jobId][attempt][provider].slot;
        return _finalEarned(run) - run.released();
    }

    /// @inheritdoc IDRaaSEscrow
    function refundableOf(bytes32 jobId, address provider) external view returns (uint256) {
        JobSlot job = _jobs[jobId];
        if (_stateAt(job) != JobState.Ended) return 0;
        if (job.settled() || job.state() == JobState.Open) return job.deposit();
        RunSlot run = _runs[jobId][job.attempt()][provider].slot;
        return run.isLive() && _isGraceOver(job) ? job.deposit() - run.earned() : 0;
    }

    /// @inheritdoc IDRaaSEscrow
    function creditOf(address account) external view returns (uint256) {
        return _credits[account];
    }

    // ---- What follows from the facts ------------------------------------------------------------------------

    function _idOf(address consumer, bytes32 termsHash) internal view returns (bytes32) {
        return keccak256(abi.encode(_chainId, address(this), consumer, termsHash));
    }

    /// @dev The stored state and what time alone has brought since.
    function _stateAt(JobSlot job) internal view returns (JobState state) {
        state = job.state();
        if (state == JobState.Open) return block.timestamp > job.deadline() ? JobState.Ended : state;
        if (state == JobState.Running) return block.timestamp >= job.deadline() ? JobState.Ended : state;
        if (state == JobState.Ended && job.settled() && job.deposit() == 0) {
            // The last report came by the end of the grace, so from here on all is final.
            uint256 closedFrom = (job.deadline() + settleGrace) / window + 2;
            if (block.timestamp / window >= closedFrom) return JobState.Closed;
        }
    }

    /// @dev The job, which has to be in this state.
    function _jobIn(JobState wanted, bytes32 jobId) internal view returns (JobSlot job) {
        job = _jobs[jobId];
        JobState state = _stateAt(job);
        if (state != wanted) revert WrongState(jobId, state);
    }

    function _finalEarned(RunSlot run) internal view returns (uint256) {
        return Metering.finalEarned(run, block.timestamp, window);
    }

    /// @dev Whether the time for the current attempt's last report is over.
    function _isGraceOver(JobSlot job) internal view returns (bool) {
        unchecked {
            return block.timestamp > job.deadline() + settleGrace; // two spans of 32 bits
        }
    }

    /// @dev Ends the current attempt now, if it has not ended before. `deadline - duration` stays its start.
    function _ended(JobSlot job) internal view returns (JobSlot) {
        job = job.withState(JobState.Ended);
        if (block.timestamp >= job.deadline()) return job;
        unchecked {
            // The deadline is duration after the start, which is past; so both are below what they were.
            uint256 ran = job.duration() - (job.deadline() - block.timestamp);
            return job.withDuration(uint32(ran)).withDeadline(uint32(block.timestamp));
        }
    }

    /// @dev What an account may withdraw besides what its runs have made final.
    function _credit(address account, uint256 amount) internal {
        if (amount != 0) _credits[account] += amount;
    }

    // ---- Tokens ---------------------------------------------------------------------------------------------

    /// @dev Takes `amount` from the caller. Called last, when the books already show it.
    function _receive(uint256 amount) internal {
        uint256 before = IERC20(token).balanceOf(address(this));
        IERC20(token).safeTransferFrom(msg.sender, address(this), amount);
        if (IERC20(token).balanceOf(address(this)) != before + amount) revert TokenMismatch();
    }

    /// @dev Pays `amount` out. Called last, when the books already show it gone.
    function _send(address to, uint256 amount) internal {
        IERC20(token).safeTransfer(to, amount);
    }

    function _isSpan(uint256 value) private pure returns (bool) {
        return value != 0 && value <= type(uint32).max;
    }
}
