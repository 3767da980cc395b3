// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {
    IDRaaSEscrow,
    Job,
    JobState,
    JobTerms,
    Parameters,
    Provider,
    Rates,
    Run,
    Usage
} from "../interfaces/IDRaaSEscrow.sol";
import {Metering} from "../libraries/Metering.sol";

/// @title What the escrow stores, what follows from it, and the two ways in which tokens move
abstract contract Ledger is IDRaaSEscrow {
    using SafeERC20 for IERC20;

    /// @dev First slot of a run.
    struct RunHead {
        address provider;
        uint32 startedAt;
        uint32 reportedAt;
        uint16 rateCard;
        bool settled;
    }

    /// @dev Third slot of a run.
    struct Takings {
        uint80 earnedBefore;
        uint80 earnedPrevious;
        uint80 withdrawn;
        bool frozen;
        bool ruled;
    }

    /// @dev `Run` as stored: one struct a slot, so that each is read and written once.
    struct StoredRun {
        RunHead head;
        Usage usage;
        Takings takings;
    }

    /// @inheritdoc IDRaaSEscrow
    address public immutable token;
    /// @inheritdoc IDRaaSEscrow
    address public immutable arbiter;
    /// @inheritdoc IDRaaSEscrow
    uint256 public immutable window;
    /// @inheritdoc IDRaaSEscrow
    uint256 public immutable lapseAfter;
    /// @inheritdoc IDRaaSEscrow
    uint256 public immutable settleGrace;
    /// @inheritdoc IDRaaSEscrow
    uint256 public immutable minBond;
    /// @inheritdoc IDRaaSEscrow
    uint256 public immutable disputeBond;
    /// @inheritdoc IDRaaSEscrow
    uint256 public immutable rulingTime;
    /// @inheritdoc IDRaaSEscrow
    uint256 public immutable unbondTime;

    mapping(bytes32 jobId => Job) internal _jobs;
    mapping(bytes32 jobId => mapping(uint8 attempt => StoredRun)) internal _runs;
    mapping(address provider => Provider) internal _providers;
    mapping(address provider => mapping(uint16 rateCard => Rates)) internal _rates;
    mapping(address account => uint256) internal _credits;

    constructor(address token_, address arbiter_, Parameters memory p) {
        bool sound = token_.code.length != 0 && arbiter_ != address(0);
        sound = sound && _isSpan(p.window) && _isSpan(p.lapseAfter) && _isSpan(p.settleGrace);
        sound = sound && _isSpan(p.rulingTime) && p.unbondTime <= type(uint32).max;
        if (!sound || p.minBond > type(uint96).max) revert BadParameters();
        token = token_;
        arbiter = arbiter_;
        window = p.window;
        lapseAfter = p.lapseAfter;
        settleGrace = p.settleGrace;
        minBond = p.minBond;
        disputeBond = p.disputeBond;
        rulingTime = p.rulingTime;
        unbondTime = p.unbondTime;
    }

    // ---- Views --------------------------------------------------------------------------------------------

    /// @inheritdoc IDRaaSEscrow
    function jobIdOf(JobTerms calldata terms) public view returns (bytes32) {
        return keccak256(abi.encode(block.chainid, address(this), terms));
    }

    /// @inheritdoc IDRaaSEscrow
    function stateOf(bytes32 jobId) external view returns (JobState) {
        Job memory job = _job(jobId);
        return _stateAt(job, _earned(job, jobId, job.attempt));
    }

    /// @inheritdoc IDRaaSEscrow
    function jobs(bytes32 jobId) external view returns (Job memory) {
        return _job(jobId);
    }

    /// @inheritdoc IDRaaSEscrow
    function runs(bytes32 jobId, uint8 attempt) external view returns (Run memory run) {
        StoredRun memory stored = _runs[jobId][attempt];
        run.provider = stored.head.provider;
        run.startedAt = stored.head.startedAt;
        run.reportedAt = stored.head.reportedAt;
        run.rateCard = stored.head.rateCard;
        run.settled = stored.head.settled;
        run.usage = stored.usage;
        run.earnedBefore = stored.takings.earnedBefore;
        run.earnedPrevious = stored.takings.earnedPrevious;
        run.withdrawn = stored.takings.withdrawn;
        run.frozen = stored.takings.frozen;
        run.ruled = stored.takings.ruled;
    }

    /// @inheritdoc IDRaaSEscrow
    function providers(address provider) external view returns (Provider memory) {
        return _providers[provider];
    }

    /// @inheritdoc IDRaaSEscrow
    function ratesOf(address provider, uint16 rateCard) external view returns (Rates memory) {
        return _rateCard(provider, rateCard);
    }

    /// @inheritdoc IDRaaSEscrow
    function earnedOf(bytes32 jobId, uint8 attempt) external view returns (uint256 earned, uint256 finalEarned) {
        earned = _earned(_job(jobId), jobId, attempt);
        finalEarned = _finalEarned(_runs[jobId][attempt], earned);
    }

    /// @inheritdoc IDRaaSEscrow
    function withdrawableOf(bytes32 jobId, uint8 attempt) external view returns (uint256) {
        StoredRun storage run = _runs[jobId][attempt];
        return _finalEarned(run, _earned(_job(jobId), jobId, attempt)) - run.takings.withdrawn;
    }

    /// @inheritdoc IDRaaSEscrow
    function refundableOf(bytes32 jobId) external view returns (uint256) {
        Job memory job = _job(jobId);
        uint256 earned = _earned(job, jobId, job.attempt);
        bool due = _stateAt(job, earned) == JobState.Ended && _isSettled(job, _headOf(_runs[jobId][job.attempt]));
        return due ? job.deposit - earned : 0;
    }

    /// @inheritdoc IDRaaSEscrow
    function creditOf(address account) external view returns (uint256) {
        return _credits[account];
    }

    // ---- Slots: one function each, since the compiler repeats the copying of a struct at every place it is written

    function _job(bytes32 jobId) internal view returns (Job memory) {
        return _jobs[jobId];
    }

    function _save(bytes32 jobId, Job memory job) internal {
        _jobs[jobId] = job;
    }

    function _headOf(StoredRun storage run) internal view returns (RunHead memory) {
        return run.head;
    }

    function _saveHead(StoredRun storage run, RunHead memory head) internal {
        run.head = head;
    }

    function _takingsOf(StoredRun storage run) internal view returns (Takings memory) {
        return run.takings;
    }

    function _saveTakings(StoredRun storage run, Takings memory takings) internal {
        run.takings = takings;
    }

    function _usageOf(StoredRun storage run) internal view returns (Usage memory) {
        return run.usage;
    }

    function _rateCard(address provider, uint16 rateCard) internal view returns (Rates memory) {
        return _rates[provider][rateCard];
    }

    // ---- What follows from the facts ----------------------------------------------------------------------

    /// @dev The stored state and what time alone has brought since. `earned` is the current attempt's.
    function _stateAt(Job memory job, uint256 earned) internal view returns (JobState) {
        if (job.state == JobState.Open && block.timestamp > job.deadline) return JobState.Ended;
        bool usedUp = block.timestamp >= job.deadline || earned >= job.deposit;
        return job.state == JobState.Running && usedUp ? JobState.Ended : job.state;
    }

    /// @dev All that reports, or a ruling, have released to one attempt. The deposit bounds the current attempt
    /// only: an older one lapsed, so it had not used up what was there.
    function _earned(Job memory job, bytes32 jobId, uint8 attempt) internal view returns (uint256) {
        StoredRun storage run = _runs[jobId][attempt];
        RunHead memory head = _headOf(run);
        if (head.provider == address(0)) return 0;
        if (run.takings.ruled) return run.takings.earnedPrevious;
        uint256 cost = Metering.cost(_usageOf(run), _rateCard(head.provider, head.rateCard));
        return attempt == job.attempt ? Math.min(cost, job.deposit) : cost;
    }

    function _finalEarned(StoredRun storage run, uint256 earned) internal view returns (uint256) {
        Takings memory takings = _takingsOf(run);
        if (takings.ruled) return takings.earnedPrevious;
        if (takings.frozen) return takings.earnedBefore;
        return Metering.finalPart(
            earned, takings.earnedBefore, takings.earnedPrevious, run.head.reportedAt, block.timestamp, window
        );
    }

    /// @dev Whether the provider of the current attempt, if any, has sent its last report or missed the time for it.
    function _isSettled(Job memory job, RunHead memory head) internal view returns (bool) {
        return head.provider == address(0) || head.settled || block.timestamp > job.deadline + settleGrace;
    }

    // ---- Tokens -------------------------------------------------------------------------------------------

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
