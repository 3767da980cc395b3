// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {IArbitrable, IArbitrator} from "../interfaces/IArbitration.sol";
import {CourtDispute, IDRaaSCourt, Phase} from "../interfaces/IDRaaSCourt.sol";
import {Docket} from "./Docket.sol";

/// @title The side of the court that arbitrables see (ERC-792)
abstract contract Rulings is Docket {
    uint256 private constant CHOICES = WHOLE + 1;
    /// @dev More addresses than these are ignored, since each makes the draw dearer.
    uint256 private constant MAX_EXCLUDED = 8;
    /// @dev What a call of `rule` can count on. A wallet's estimate finds the least gas at which a transaction
    /// succeeds, and without this it would succeed with a callback that had none.
    uint256 private constant RULE_GAS = 400_000;

    /// @inheritdoc IArbitrator
    /// @dev `extraData` in words: 0 is kept free for a court's number, as elsewhere; 1 the least number of jurors
    /// (the court's own is never undercut; even ones are rounded up; 31 is the most); from 2 on who may not judge, at
    /// most 8. Words that are missing or cut short count as absent, and an address is a word's lower 20 bytes.
    function createDispute(uint256 choices, bytes calldata extraData) external payable returns (uint256 disputeId) {
        if (choices != CHOICES) revert WrongChoices(choices);
        uint256 wanted = _panelFor(extraData);
        _requireFee(wanted * _feePerJuror);
        disputeId = ++disputeCount;
        emit DisputeCreation(disputeId, IArbitrable(msg.sender));
        uint256 end = Math.min(extraData.length / 32, 2 + MAX_EXCLUDED);
        for (uint256 word = 2; word < end; ++word) {
            _excluded[disputeId].push(address(uint160(_wordOf(extraData, word)))); // the lower 20 bytes
        }
        CourtDispute memory dispute = CourtDispute(msg.sender, 0, 0, 0, Phase.Drawing, 0);
        _openRound(disputeId, dispute, wanted, msg.value, false);
        _disputes[disputeId] = dispute;
    }

    /// @inheritdoc IArbitrator
    /// @dev Only the arbitrable may. The panel is of 2n + 1 jurors, at most 31, and who was barred still is;
    /// `extraData` says nothing here.
    function appeal(uint256 disputeId, bytes calldata) external payable {
        _requirePhase(disputeId, Phase.Appealable);
        CourtDispute memory dispute = _disputes[disputeId];
        if (msg.sender != dispute.arbitrable) revert NotArbitrable(msg.sender);
        uint256 wanted = _appealPanel(disputeId, dispute);
        _requireFee(wanted * _feePerJuror);
        ++dispute.appeals;
        emit AppealDecision(disputeId, IArbitrable(msg.sender));
        _openRound(disputeId, dispute, wanted, msg.value, false);
        _disputes[disputeId] = dispute;
    }

    /// @inheritdoc IDRaaSCourt
    function executeRuling(uint256 disputeId) external {
        _requirePhase(disputeId, Phase.Ruled);
        CourtDispute memory dispute = _disputes[disputeId];
        _disputes[disputeId].phase = Phase.Executed; // before the call, so that it cannot come back here
        uint256 needed = RULE_GAS * 64 / 63 + 10_000; // a call gets at most 63/64 of what is left
        if (gasleft() < needed) revert TooLittleGas(needed);
        if (_callRule(dispute.arbitrable, disputeId, dispute.ruling)) {
            emit RulingExecuted(disputeId, dispute.ruling);
        } else {
            _disputes[disputeId].phase = dispute.phase;
            emit RulingFailed(disputeId, dispute.ruling);
        }
    }

    // ---- Views --------------------------------------------------------------------------------------------

    /// @inheritdoc IArbitrator
    function arbitrationCost(bytes calldata extraData) external view returns (uint256 cost) {
        return _panelFor(extraData) * _feePerJuror;
    }

    /// @inheritdoc IArbitrator
    function appealCost(uint256 disputeId, bytes calldata) external view returns (uint256 cost) {
        return _appealPanel(disputeId, _known(disputeId)) * _feePerJuror;
    }

    /// @inheritdoc IArbitrator
    function appealPeriod(uint256 disputeId) external view returns (uint256 start, uint256 end) {
        (Phase phase, uint256 endsAt) = phaseOf(disputeId);
        return phase == Phase.Appealable ? (endsAt - _appealTime, endsAt) : (0, 0);
    }

    /// @inheritdoc IArbitrator
    function disputeStatus(uint256 disputeId) external view returns (DisputeStatus status) {
        _known(disputeId);
        (Phase phase,) = phaseOf(disputeId);
        if (phase == Phase.Appealable) return DisputeStatus.Appealable;
        return phase == Phase.Ruled || phase == Phase.Executed ? DisputeStatus.Solved : DisputeStatus.Waiting;
    }

    /// @inheritdoc IArbitrator
    function currentRuling(uint256 disputeId) external view returns (uint256 ruling) {
        return _known(disputeId).ruling;
    }

    // ---- What these are made of ---------------------------------------------------------------------------

    /// @dev Whether the arbitrable took the ruling. What it returns is not copied: it could be made to cost the caller
    /// anything.
    function _callRule(address arbitrable, uint256 disputeId, uint256 ruling) private returns (bool success) {
        bytes memory data = abi.encodeCall(IArbitrable.rule, (disputeId, ruling));
        assembly ("memory-safe") {
            success := call(gas(), arbitrable, 0, add(data, 32), mload(data), 0, 0)
        }
    }

    function _known(uint256 disputeId) private view returns (CourtDispute memory dispute) {
        dispute = _disputes[disputeId];
        if (dispute.phase == Phase.Absent) revert WrongPhase(disputeId, Phase.Absent);
    }

    /// @dev By what was wanted last, not by how many there were, so that the cost is known beforehand.
    function _appealPanel(uint256 disputeId, CourtDispute memory dispute) private view returns (uint256) {
        return Math.min(2 * uint256(_rounds[disputeId][dispute.round].wanted) + 1, MAX_PANEL);
    }

    function _panelFor(bytes calldata extraData) private view returns (uint256) {
        uint256 least = extraData.length < 64 ? 0 : _wordOf(extraData, 1);
        return Math.max(_firstPanel, Math.min(least, MAX_PANEL) | 1);
    }

    /// @dev Exactly the fee: change could not be given back to an arbitrable that takes none.
    function _requireFee(uint256 fee) private view {
        if (msg.value != fee) revert WrongFee(fee, msg.value);
    }

    function _wordOf(bytes calldata data, uint256 word) private pure returns (uint256) {
        return uint256(bytes32(data[32 * word:32 * word + 32]));
    }
}
