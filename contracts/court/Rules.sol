// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {CourtParameters, IDRaaSCourt} from "../interfaces/IDRaaSCourt.sol";

/// @title What a deployment fixes for good, and what follows from that alone
abstract contract Rules is IDRaaSCourt {
    uint256 internal constant WHOLE = 10_000; // basis points
    /// @dev Bounds what a draw and a tally cost. Odd.
    uint256 internal constant MAX_PANEL = 31;
    uint256 private constant MAX_APPEALS = 4;

    /// @inheritdoc IDRaaSCourt
    address public immutable token;
    uint256 internal immutable _seatStake;
    uint256 internal immutable _firstPanel;
    uint256 internal immutable _feePerJuror;
    uint256 internal immutable _drawTime;
    uint256 internal immutable _commitTime;
    uint256 internal immutable _revealTime;
    uint256 internal immutable _appealTime;
    uint256 internal immutable _coherence;
    uint256 internal immutable _penalty;
    uint256 internal immutable _maxAppeals;

    constructor(address token_, CourtParameters memory p) {
        bool sound = token_.code.length != 0 && p.seatStake != 0 && p.seatStake <= type(uint96).max;
        sound = sound && p.jurors % 2 == 1 && p.jurors <= MAX_PANEL && p.feePerJuror <= type(uint88).max;
        sound = sound && _isSpan(p.commitTime) && _isSpan(p.revealTime) && _isSpan(p.appealTime);
        sound = sound && _isSpan(p.drawTime) && p.coherence <= WHOLE && p.penalty <= WHOLE;
        if (!sound || p.maxAppeals > MAX_APPEALS) revert BadParameters();
        token = token_;
        _seatStake = p.seatStake;
        _firstPanel = p.jurors;
        _feePerJuror = p.feePerJuror;
        _drawTime = p.drawTime;
        _commitTime = p.commitTime;
        _revealTime = p.revealTime;
        _appealTime = p.appealTime;
        _coherence = p.coherence;
        _penalty = p.penalty;
        _maxAppeals = p.maxAppeals;
    }

    /// @inheritdoc IDRaaSCourt
    function parameters() external view returns (CourtParameters memory) {
        return CourtParameters({
            seatStake: _seatStake,
            jurors: _firstPanel,
            feePerJuror: _feePerJuror,
            drawTime: _drawTime,
            commitTime: _commitTime,
            revealTime: _revealTime,
            appealTime: _appealTime,
            coherence: _coherence,
            penalty: _penalty,
            maxAppeals: _maxAppeals
        });
    }

    /// @inheritdoc IDRaaSCourt
    function longestCase() external view returns (uint256) {
        uint256 panelTime = _drawTime + _commitTime + _revealTime;
        return 2 * panelTime * (_maxAppeals + 1) + _appealTime * _maxAppeals; // every round is drawn twice
    }

    /// @inheritdoc IDRaaSCourt
    function commitmentOf(uint256 disputeId, uint256 round, address juror, uint256 share, bytes32 salt)
        public
        view
        returns (bytes32)
    {
        return keccak256(abi.encode(block.chainid, address(this), disputeId, round, juror, share, salt));
    }

    /// @dev What not revealing costs, in base units.
    function _loss() internal view returns (uint256) {
        return _seatStake * _penalty / WHOLE;
    }

    function _isSpan(uint256 value) private pure returns (bool) {
        return value != 0 && value <= type(uint32).max;
    }
}
