// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IArbitrable} from "../interfaces/IArbitration.sol";
import {CourtDispute, CourtRound, IDRaaSCourt, Phase, Seat} from "../interfaces/IDRaaSCourt.sol";
import {Median} from "../libraries/Median.sol";
import {Fees} from "./Fees.sol";
import {Stakes} from "./Stakes.sol";

/// @title How a round closes: its ruling, who is paid and who is penalised
/// @dev All money of a round is settled here, before any arbitrable is called, and every seat is freed.
abstract contract Rounds is Stakes, Fees {
    /// @inheritdoc IDRaaSCourt
    uint256 public carriedFees;
    /// @inheritdoc IDRaaSCourt
    uint256 public carriedStake;

    /// @dev What each coherent juror gets, and which shares are coherent.
    struct Award {
        uint256 low;
        uint256 high;
        uint256 fee;
        uint256 gain;
    }

    /// @inheritdoc IDRaaSCourt
    function tally(uint256 disputeId) external {
        if (_seedKnown()) revert DrawPending();
        _requirePhase(disputeId, Phase.Tallying);
        CourtDispute memory dispute = _disputes[disputeId];
        _close(disputeId, dispute);
        _disputes[disputeId] = dispute;
    }

    /// @dev Closes the current round. The caller stores `dispute` afterwards.
    function _close(uint256 disputeId, CourtDispute memory dispute) internal {
        CourtRound memory round = _rounds[disputeId][dispute.round];
        round.closed = true;
        if (round.revealed != 0) _settle(disputeId, dispute.round, round);
        else _penaliseAll(disputeId, dispute.round);
        _rounds[disputeId][dispute.round] = round;
        emit RoundClosed(disputeId, dispute.round, round.ruling, round.revealed, round.coherent);
        if (round.revealed == 0 && !round.redraw) {
            _openRound(disputeId, dispute, round.wanted, round.fees, true);
            return;
        }
        if (round.revealed == 0) carriedFees += round.fees;
        else dispute.ruling = round.ruling;
        _rule(disputeId, dispute);
    }

    /// @dev Rules by the median, and shares out the fees and what the silent lost among those near to it. What does
    /// not divide is carried to the next round that closes, as is what nobody earned.
    function _settle(uint256 disputeId, uint256 number, CourtRound memory round) private {
        Seat[] memory seats = _panels[disputeId][number];
        (uint256 lower, uint256 upper) = Median.middles(_revealedShares(seats, round.revealed));
        round.ruling = uint16((lower + upper) / 2 + 1); // at most WHOLE + 1
        Award memory award = Award(lower > _coherence ? lower - _coherence : 0, upper + _coherence, 0, 0);
        uint256 coherent;
        for (uint256 i = 0; i < seats.length; ++i) {
            if (_isCoherent(seats[i], award)) ++coherent;
        }
        round.coherent = uint8(coherent); // at most the seats; never 0, since the middle ones are coherent
        uint256 fees = round.fees + carriedFees;
        uint256 penalties = (seats.length - round.revealed) * _loss() + carriedStake;
        (award.fee, carriedFees) = (fees / coherent, fees % coherent);
        (award.gain, carriedStake) = (penalties / coherent, penalties % coherent);
        for (uint256 i = 0; i < seats.length; ++i) {
            _freeSeat(disputeId, number, seats[i], award);
        }
    }

    function _freeSeat(uint256 disputeId, uint256 number, Seat memory seat, Award memory award) private {
        if (!seat.revealed) {
            _penalise(disputeId, number, seat.juror);
        } else if (!_isCoherent(seat, award)) {
            _release(seat.juror, 0, 0);
        } else {
            _release(seat.juror, award.gain, 0);
            _earn(seat.juror, award.fee);
            emit JurorPaid(disputeId, number, seat.juror, award.fee, award.gain);
        }
    }

    function _penaliseAll(uint256 disputeId, uint256 number) private {
        Seat[] memory seats = _panels[disputeId][number];
        carriedStake += seats.length * _loss();
        for (uint256 i = 0; i < seats.length; ++i) {
            _penalise(disputeId, number, seats[i].juror);
        }
    }

    function _penalise(uint256 disputeId, uint256 number, address juror) private {
        uint256 loss = _loss();
        _release(juror, 0, loss);
        emit JurorPenalised(disputeId, number, juror, loss);
    }

    function _rule(uint256 disputeId, CourtDispute memory dispute) private {
        bool appealable = dispute.appeals < _maxAppeals;
        dispute.phase = Phase.Appealable;
        dispute.appealEndsAt = uint40(block.timestamp + (appealable ? _appealTime : 0)); // spans are uint32
        emit DisputeRuled(disputeId, dispute.ruling, dispute.appealEndsAt);
        if (appealable) emit AppealPossible(disputeId, IArbitrable(dispute.arbitrable));
    }

    function _revealedShares(Seat[] memory seats, uint256 count) private pure returns (uint256[] memory shares) {
        shares = new uint256[](count);
        for (uint256 i = 0; i < seats.length; ++i) {
            if (seats[i].revealed) shares[--count] = seats[i].share;
        }
    }

    function _isCoherent(Seat memory seat, Award memory award) private pure returns (bool) {
        return seat.revealed && seat.share >= award.low && seat.share <= award.high;
    }
}
