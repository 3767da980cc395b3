// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {CourtRound, IDRaaSCourt, Phase, Seat} from "../interfaces/IDRaaSCourt.sol";
import {Docket} from "./Docket.sol";

/// @title How a panel votes: all commit before any reveals, so that nobody votes after another
abstract contract Votes is Docket {
    /// @inheritdoc IDRaaSCourt
    function commit(uint256 disputeId, bytes32 commitment) external {
        (uint256 number,) = _requireSeat(disputeId, Phase.Committing);
        if (commitment == 0) revert EmptyCommitment();
        bytes32 before = _commitments[disputeId][number][msg.sender];
        _commitments[disputeId][number][msg.sender] = commitment;
        emit Committed(disputeId, number, msg.sender, commitment);
        if (before != 0) return;
        CourtRound storage round = _rounds[disputeId][number];
        if (++round.committed != round.drawn) return;
        round.commitEndsAt = uint40(block.timestamp);
        round.revealEndsAt = uint40(block.timestamp + _revealTime);
        emit RevealStarted(disputeId, number, round.revealEndsAt);
    }

    /// @inheritdoc IDRaaSCourt
    function reveal(uint256 disputeId, uint256 share, bytes32 salt) external {
        (uint256 number, Seat storage seat) = _requireSeat(disputeId, Phase.Revealing);
        if (share > WHOLE) revert ShareTooLarge(share);
        if (seat.revealed) revert AlreadyRevealed(disputeId, msg.sender);
        bytes32 commitment = commitmentOf(disputeId, number, msg.sender, share, salt);
        if (_commitments[disputeId][number][msg.sender] != commitment) revert WrongCommitment(disputeId, msg.sender);
        seat.revealed = true;
        seat.share = uint16(share); // at most WHOLE
        emit Revealed(disputeId, number, msg.sender, share);
        CourtRound storage round = _rounds[disputeId][number];
        if (++round.revealed == round.committed) round.revealEndsAt = uint40(block.timestamp);
    }

    /// @return number of the current round
    /// @return seat the caller's on its panel
    function _requireSeat(uint256 disputeId, Phase phase) private view returns (uint256 number, Seat storage seat) {
        _requirePhase(disputeId, phase);
        number = _disputes[disputeId].round;
        Seat[] storage seats = _panels[disputeId][number];
        uint256 place = _placeOf(seats, msg.sender);
        if (place == seats.length) revert NotDrawn(disputeId, msg.sender);
        seat = seats[place];
    }
}
