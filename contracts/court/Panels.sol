// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {CourtDispute, CourtRound, IDRaaSCourt, Phase, Seat} from "../interfaces/IDRaaSCourt.sol";
import {Sampling} from "../libraries/Sampling.sol";
import {Rounds} from "./Rounds.sol";

/// @title Who is seated
/// @dev A draw can neither revert nor be steered by its caller: it takes the first of the queue and that one's seed.
abstract contract Panels is Rounds {
    /// @inheritdoc IDRaaSCourt
    function draw() external returns (uint256 disputeId) {
        QueuedDraw memory next = _dequeue();
        disputeId = next.disputeId;
        CourtDispute memory dispute = _disputes[disputeId];
        bytes32 hash = blockhash(next.seedBlock);
        if (hash == 0) {
            _enqueue(disputeId, dispute.round, _rounds[disputeId][dispute.round].wanted);
            return disputeId;
        }
        _seat(disputeId, dispute, keccak256(abi.encode(hash, disputeId, dispute.round)));
        _disputes[disputeId] = dispute;
    }

    function _seat(uint256 disputeId, CourtDispute memory dispute, bytes32 seed) private {
        CourtRound memory round = _rounds[disputeId][dispute.round];
        uint256[] memory leaves = Sampling.draw(_tree, seed, _barredLeaves(disputeId), round.wanted);
        if (leaves.length == 0) return _close(disputeId, dispute); // as if nobody had revealed
        Seat[] storage seats = _panels[disputeId][dispute.round];
        for (uint256 i = 0; i < leaves.length; ++i) {
            address juror = _jurorAt[leaves[i]];
            _lock(juror);
            seats.push(Seat(juror, false, 0));
            emit JurorDrawn(disputeId, dispute.round, juror, i);
        }
        dispute.phase = Phase.Committing;
        round.drawn = uint8(leaves.length); // at most MAX_PANEL
        round.commitEndsAt = uint40(block.timestamp + _commitTime);
        round.revealEndsAt = uint40(block.timestamp + _commitTime + _revealTime);
        _rounds[disputeId][dispute.round] = round;
        emit CommitStarted(disputeId, dispute.round, round.drawn, round.commitEndsAt, round.revealEndsAt);
    }

    function _barredLeaves(uint256 disputeId) private view returns (uint256[] memory leaves) {
        address[] memory parties = _excluded[disputeId];
        leaves = new uint256[](parties.length);
        for (uint256 i = 0; i < parties.length; ++i) {
            leaves[i] = _leafOf(parties[i]);
        }
    }
}
