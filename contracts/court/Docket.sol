// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {CourtDispute, CourtRound, IDRaaSCourt, Phase, Seat, Vote} from "../interfaces/IDRaaSCourt.sol";
import {Rules} from "./Rules.sol";

/// @title The disputes, their rounds, and the queue of rounds that wait for a draw
abstract contract Docket is Rules {
    struct QueuedDraw {
        uint192 disputeId;
        uint64 seedBlock; // whose hash is the seed
    }

    /// @inheritdoc IDRaaSCourt
    uint256 public disputeCount;
    uint128 private _queueFirst;
    uint128 private _queueEnd;
    mapping(uint256 place => QueuedDraw) private _queue; // by seed block, since all join at the end
    mapping(uint256 disputeId => CourtDispute) internal _disputes;
    mapping(uint256 disputeId => address[]) internal _excluded;
    mapping(uint256 disputeId => mapping(uint256 round => CourtRound)) internal _rounds;
    mapping(uint256 disputeId => mapping(uint256 round => Seat[])) internal _panels;
    mapping(uint256 disputeId => mapping(uint256 round => mapping(address juror => bytes32))) internal _commitments;

    // ---- Views --------------------------------------------------------------------------------------------

    /// @inheritdoc IDRaaSCourt
    function disputes(uint256 disputeId) external view returns (CourtDispute memory) {
        return _disputes[disputeId];
    }

    /// @inheritdoc IDRaaSCourt
    function rounds(uint256 disputeId, uint256 round) external view returns (CourtRound memory) {
        return _rounds[disputeId][round];
    }

    /// @inheritdoc IDRaaSCourt
    function panel(uint256 disputeId, uint256 round) external view returns (Seat[] memory) {
        return _panels[disputeId][round];
    }

    /// @inheritdoc IDRaaSCourt
    function vote(uint256 disputeId, uint256 round, address juror) external view returns (Vote memory) {
        Seat[] storage seats = _panels[disputeId][round];
        uint256 place = _placeOf(seats, juror);
        if (place == seats.length) return Vote(false, false, 0, 0);
        return Vote(true, seats[place].revealed, seats[place].share, _commitments[disputeId][round][juror]);
    }

    /// @inheritdoc IDRaaSCourt
    function phaseOf(uint256 disputeId) public view returns (Phase phase, uint256 endsAt) {
        CourtDispute memory dispute = _disputes[disputeId];
        if (dispute.phase == Phase.Committing) return _panelPhase(_rounds[disputeId][dispute.round]);
        if (dispute.phase != Phase.Appealable) return (dispute.phase, 0);
        if (block.timestamp >= dispute.appealEndsAt) return (Phase.Ruled, 0);
        return (Phase.Appealable, dispute.appealEndsAt);
    }

    /// @inheritdoc IDRaaSCourt
    function excluded(uint256 disputeId) external view returns (address[] memory) {
        return _excluded[disputeId];
    }

    /// @inheritdoc IDRaaSCourt
    function nextDraw() external view returns (uint256 disputeId, uint256 firstBlock) {
        if (!_drawPending()) return (0, 0);
        QueuedDraw memory next = _queue[_queueFirst];
        return (next.disputeId, next.seedBlock + 1);
    }

    // ---- Rounds -------------------------------------------------------------------------------------------

    /// @dev Starts the next round of a dispute. The caller stores `dispute` afterwards.
    function _openRound(uint256 disputeId, CourtDispute memory dispute, uint256 wanted, uint256 fees, bool redraw)
        internal
    {
        ++dispute.round;
        dispute.phase = Phase.Drawing;
        CourtRound storage round = _rounds[disputeId][dispute.round];
        round.wanted = uint8(wanted); // at most MAX_PANEL
        round.fees = uint96(fees); // at most MAX_PANEL times an uint88
        round.redraw = redraw;
        _enqueue(disputeId, dispute.round, wanted);
    }

    function _requirePhase(uint256 disputeId, Phase wanted) internal view {
        (Phase phase,) = phaseOf(disputeId);
        if (phase != wanted) revert WrongPhase(disputeId, phase);
    }

    /// @dev Where a juror sits; the number of seats when nowhere. A walk, since panels are small.
    function _placeOf(Seat[] storage seats, address juror) internal view returns (uint256 place) {
        uint256 count = seats.length;
        while (place < count && seats[place].juror != juror) ++place;
    }

    function _panelPhase(CourtRound memory round) private view returns (Phase phase, uint256 endsAt) {
        if (block.timestamp < round.commitEndsAt) return (Phase.Committing, round.commitEndsAt);
        bool over = round.committed == 0 || block.timestamp >= round.revealEndsAt;
        return over ? (Phase.Tallying, 0) : (Phase.Revealing, round.revealEndsAt);
    }

    // ---- The queue ----------------------------------------------------------------------------------------

    /// @dev The seed is the hash of the next block: nobody knows it while this one is made.
    function _enqueue(uint256 disputeId, uint256 round, uint256 wanted) internal {
        uint64 seedBlock = uint64(block.number + 1);
        _queue[_queueEnd++] = QueuedDraw(uint192(disputeId), seedBlock); // ids are counted up from 1
        emit DrawQueued(disputeId, round, wanted, seedBlock);
    }

    function _dequeue() internal returns (QueuedDraw memory next) {
        if (!_drawPending()) revert NothingToDraw();
        next = _queue[_queueFirst];
        if (block.number <= next.seedBlock) revert DrawTooEarly(next.seedBlock + 1);
        delete _queue[_queueFirst++];
    }

    function _drawPending() internal view returns (bool) {
        return _queueFirst != _queueEnd;
    }

    /// @dev Whether somebody may already know whom a pending draw will seat. The first in the queue is the oldest.
    function _seedKnown() internal view returns (bool) {
        return _drawPending() && block.number > _queue[_queueFirst].seedBlock;
    }
}
