// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IArbitrator} from "./IArbitration.sol";

/// @notice Where a dispute stands.
/// @dev Only `Drawing`, `Committing`, `Appealable` and `Executed` are ever stored; time brings the others.
enum Phase {
    Absent, // never created
    Drawing, // waits for `draw`
    Committing, // the panel commits
    Revealing, // the panel reveals
    Tallying, // waits for `tally`
    Appealable, // ruled; the arbitrable may appeal
    Ruled, // the ruling is final and waits for `executeRuling`
    Executed // terminal: the arbitrable has its ruling
}

/// @notice What a deployment fixes for good.
struct CourtParameters {
    uint256 seatStake; // base units a juror has locked for each seat; staking less gives no weight in a draw
    uint256 jurors; // wanted size of a first panel; odd
    uint256 feePerJuror; // wei an arbitrable pays for each wanted juror
    uint256 drawTime; // seconds that `longestCase` allows for a draw and the two blocks before it
    uint256 commitTime; // seconds
    uint256 revealTime; // seconds
    uint256 appealTime; // seconds
    uint256 coherence; // basis points: a revealed share this near to the median is paid
    uint256 penalty; // basis points of the seat stake lost for not revealing
    uint256 maxAppeals; // of one dispute, 0 to 4
}

/// @notice A juror's stake. One storage slot.
struct Juror {
    uint112 staked; // base units in the court, the locked ones too
    uint112 locked; // base units behind seats of open rounds
    uint32 leaf; // place in the tree of stakes, from 1; 0 before the first stake with weight
}

/// @notice Stored facts of a dispute. One storage slot.
struct CourtDispute {
    address arbitrable; // created it, and is ruled
    uint8 round; // number of the current round, from 1
    uint8 appeals; // made so far
    uint16 ruling; // 0 refused to rule, else 1 + share
    Phase phase; // last phase entered by a transaction; `phaseOf` adds what time brings
    uint40 appealEndsAt; // second from which the last ruling cannot be appealed any more
}

/// @notice Stored facts of one panel's work. One storage slot.
struct CourtRound {
    uint8 wanted; // seats paid for; odd
    uint8 drawn; // seats filled: `wanted`, or fewer where too few jurors were free; odd, or 0
    uint8 committed; // jurors
    uint8 revealed; // jurors
    uint8 coherent; // jurors paid
    uint16 ruling; // of this round; 0 when nobody revealed
    bool redraw; // the second panel of a round in which nobody revealed
    bool closed; // seats released, fees and penalties settled
    uint40 commitEndsAt; // first second of revealing
    uint40 revealEndsAt; // first second after revealing
    uint96 fees; // wei, for the coherent jurors
}

/// @notice One juror's place on a panel.
struct Seat {
    address juror;
    bool revealed;
    uint16 share; // basis points for the provider, once revealed
}

/// @notice What one juror did in one round.
struct Vote {
    bool seated;
    bool revealed;
    uint16 share;
    bytes32 commitment;
}

/// @title DRaaS court: jurors with a stake rule which share of a sum the provider gets
/// @notice An ERC-792 arbitrator. A ruling r from 1 to 10,001 gives the provider (r - 1) / 10,000 of what is
/// disputed; 0 means that the court refused to rule, since nobody revealed.
///
/// A round: `draw` seats an odd number of distinct jurors by stake; they `commit`, then `reveal` a share; `tally`
/// takes the median, pays the jurors near to it and penalises those who did not reveal. When nobody reveals, the
/// round is drawn once more; when nobody reveals then either, the ruling stays what it was: refused, or, after an
/// appeal, that of the earlier round. The arbitrable may appeal to a panel of 2n + 1 jurors. `draw`, `tally` and
/// `executeRuling` are anybody's to call.
///
/// The median of an even number of shares is the mean of the two middle ones, rounded down: to take the lower would
/// let one silent juror tilt every tie to the consumer. All shares between the two are medians equally, so
/// `coherence` is measured from the nearer of them, and somebody is always paid.
/// @dev Assumptions. Token: a plain ERC-20 without hooks that moves exactly what is asked (measured on entry).
/// Chain: `blockhash` of the last 256 blocks cannot be chosen (a proposer can skip one block, not pick its hash; on
/// rollups where it is a constant or the sequencer's to choose, so are the panels), and blocks go on without us: where
/// they are mined on demand only, somebody has to mine the two that a draw waits for.
/// Arbitrables: not trusted; they cannot delay anybody's stake, fees or ruling but their own.
interface IDRaaSCourt is IArbitrator {
    // ---- Events -------------------------------------------------------------------------------------------
    event Staked(address indexed juror, uint256 amount, uint256 staked);
    event Unstaked(address indexed juror, uint256 amount, uint256 staked);
    /// @notice A round waits for `draw`, which is possible from block `seedBlock + 1` on. Emitted again with a later
    /// block when nobody drew for 256 blocks.
    event DrawQueued(uint256 indexed disputeId, uint256 indexed round, uint256 wanted, uint256 seedBlock);
    event JurorDrawn(uint256 indexed disputeId, uint256 indexed round, address indexed juror, uint256 seat);
    event CommitStarted(
        uint256 indexed disputeId, uint256 indexed round, uint256 drawn, uint256 commitEndsAt, uint256 revealEndsAt
    );
    event Committed(uint256 indexed disputeId, uint256 indexed round, address indexed juror, bytes32 commitment);
    /// @notice All have committed, so revealing starts now. (Otherwise it starts at `commitEndsAt`, without an event.)
    event RevealStarted(uint256 indexed disputeId, uint256 indexed round, uint256 revealEndsAt);
    event Revealed(uint256 indexed disputeId, uint256 indexed round, address indexed juror, uint256 share);
    /// @param fee wei
    /// @param gain base units, added to the stake
    event JurorPaid(uint256 indexed disputeId, uint256 indexed round, address indexed juror, uint256 fee, uint256 gain);
    /// @param loss base units, taken from the stake
    event JurorPenalised(uint256 indexed disputeId, uint256 indexed round, address indexed juror, uint256 loss);
    /// @param ruling of this round; 0 when nobody revealed
    event RoundClosed(
        uint256 indexed disputeId, uint256 indexed round, uint256 ruling, uint256 revealed, uint256 coherent
    );
    /// @notice The dispute is ruled, and the ruling is final from `appealEndsAt` on unless it is appealed.
    event DisputeRuled(uint256 indexed disputeId, uint256 ruling, uint256 appealEndsAt);
    event RulingExecuted(uint256 indexed disputeId, uint256 ruling);
    /// @notice The arbitrable reverted. Its ruling stays final, and anybody may try again.
    event RulingFailed(uint256 indexed disputeId, uint256 ruling);
    event FeesWithdrawn(address indexed juror, uint256 amount);

    // ---- Errors -------------------------------------------------------------------------------------------
    error BadParameters();
    /// @notice Nothing to stake or to unstake.
    error ZeroAmount();
    /// @notice More than is staked and not locked.
    error StakeLocked(uint256 free);
    /// @notice Stakes cannot change now: call `draw` first.
    error DrawPending();
    error NothingToDraw();
    error DrawTooEarly(uint256 firstBlock);
    /// @notice The dispute is not where this call belongs; `Absent` means that it does not exist.
    error WrongPhase(uint256 disputeId, Phase phase);
    error NotDrawn(uint256 disputeId, address juror);
    error EmptyCommitment();
    error AlreadyRevealed(uint256 disputeId, address juror);
    /// @notice The share, the salt or the round is not what was committed.
    error WrongCommitment(uint256 disputeId, address juror);
    error ShareTooLarge(uint256 share);
    /// @notice This court knows one question only: a share out of 10,000, hence 10,001 choices.
    error WrongChoices(uint256 choices);
    /// @notice The value sent is not the fee, in wei.
    error WrongFee(uint256 fee, uint256 sent);
    error NotArbitrable(address caller);
    /// @notice The arbitrable might run out of gas for want of the caller's.
    error TooLittleGas(uint256 needed);
    error NothingToWithdraw();
    error WithdrawalFailed();
    /// @notice The token moved another amount than asked, or more than the court can count.
    error TokenMismatch();

    // ---- Jurors -------------------------------------------------------------------------------------------
    /// @notice Stakes `amount` base units more, by allowance. Refused while a draw is pending, so that nobody can
    /// choose a stake to fit a seed.
    function stake(uint256 amount) external;
    /// @notice Takes out `amount` base units that are not locked. Refused while a draw is pending.
    function unstake(uint256 amount) external;
    /// @notice Binds the caller, who has a seat, to a share; see `commitmentOf`. The last one before the end of
    /// committing counts. Committing ends early when all have committed.
    function commit(uint256 disputeId, bytes32 commitment) external;
    /// @notice Shows what the caller committed to. Revealing ends early when all who committed have revealed.
    /// @param share basis points for the provider
    function reveal(uint256 disputeId, uint256 share, bytes32 salt) external;
    /// @notice Pays the caller all fees it has earned.
    /// @return amount in wei
    function withdrawFees() external returns (uint256 amount);

    // ---- Anybody ------------------------------------------------------------------------------------------
    /// @notice Seats the panel of the first round in the queue: possible from the second block after it was queued.
    /// After 256 more blocks its seed is gone, and this puts it at the end of the queue with a new one.
    function draw() external returns (uint256 disputeId);
    /// @notice Closes the round once revealing is over: rules, pays, penalises and frees the seats. Refused while a
    /// seed is known that was not drawn with, since this changes stakes: call `draw` first.
    function tally(uint256 disputeId) external;
    /// @notice Gives the arbitrable its final ruling. When it reverts, nothing but `RulingFailed` happens, and the
    /// call can be repeated.
    function executeRuling(uint256 disputeId) external;

    // ---- Views --------------------------------------------------------------------------------------------
    function token() external view returns (address);
    function parameters() external view returns (CourtParameters memory);
    /// @notice The most seconds from `createDispute` to a final ruling, PROVIDED that somebody calls `draw` within
    /// `drawTime` and `tally` at once. Nothing here forces anybody to: an arbitrable needs a deadline of its own.
    function longestCase() external view returns (uint256);
    function disputeCount() external view returns (uint256);
    /// @notice Disputes are numbered from 1.
    function disputes(uint256 disputeId) external view returns (CourtDispute memory);
    /// @notice Rounds are numbered from 1; a redraw and an appeal each make a new one.
    function rounds(uint256 disputeId, uint256 round) external view returns (CourtRound memory);
    function panel(uint256 disputeId, uint256 round) external view returns (Seat[] memory);
    function vote(uint256 disputeId, uint256 round, address juror) external view returns (Vote memory);
    /// @return phase now
    /// @return endsAt second at which time alone ends it; 0 when it waits for a call
    function phaseOf(uint256 disputeId) external view returns (Phase phase, uint256 endsAt);
    /// @notice Who may not judge a dispute.
    function excluded(uint256 disputeId) external view returns (address[] memory);
    /// @notice The first round in the queue.
    /// @return disputeId 0 when no draw is pending
    /// @return firstBlock in which `draw` is possible
    function nextDraw() external view returns (uint256 disputeId, uint256 firstBlock);
    function jurors(address juror) external view returns (Juror memory);
    /// @return wei to withdraw
    function feesOf(address juror) external view returns (uint256);
    /// @return fees nobody earned and remainders, in wei, for the coherent jurors of the next round that closes
    function carriedFees() external view returns (uint256);
    /// @return penalties nobody earned and remainders, in base units, likewise
    function carriedStake() external view returns (uint256);
    /// @return eligible how many jurors have a seat's stake free
    /// @return weight their stakes in all, in base units
    function drawable() external view returns (uint256 eligible, uint256 weight);
    /// @notice What to commit to. Bound to the chain, this court, the round and the juror, so a copy is worthless.
    function commitmentOf(uint256 disputeId, uint256 round, address juror, uint256 share, bytes32 salt)
        external
        view
        returns (bytes32);
}
