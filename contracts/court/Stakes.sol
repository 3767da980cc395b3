// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {IDRaaSCourt, Juror} from "../interfaces/IDRaaSCourt.sol";
import {StakeTree} from "../libraries/StakeTree.sol";
import {Docket} from "./Docket.sol";

/// @title What jurors have staked, how much of it is locked, and the weight it gives them in a draw
abstract contract Stakes is Docket {
    using SafeERC20 for IERC20;
    using StakeTree for StakeTree.Tree;

    mapping(address juror => Juror) private _jurors;
    mapping(uint256 leaf => address juror) internal _jurorAt;
    StakeTree.Tree internal _tree;

    /// @inheritdoc IDRaaSCourt
    function jurors(address juror) external view returns (Juror memory) {
        return _jurors[juror];
    }

    /// @inheritdoc IDRaaSCourt
    function drawable() external view returns (uint256 eligible, uint256 weight) {
        return (_tree.filled, _tree.sumTo(_tree.size));
    }

    /// @inheritdoc IDRaaSCourt
    function stake(uint256 amount) external {
        _requireChange(amount);
        Juror memory record = _jurors[msg.sender];
        record.staked += SafeCast.toUint112(amount);
        _save(msg.sender, record);
        emit Staked(msg.sender, amount, record.staked);
        _receive(amount);
    }

    /// @inheritdoc IDRaaSCourt
    function unstake(uint256 amount) external {
        _requireChange(amount);
        Juror memory record = _jurors[msg.sender];
        uint256 free = record.staked - record.locked;
        if (amount > free) revert StakeLocked(free);
        record.staked -= uint112(amount); // at most what was free
        _save(msg.sender, record);
        emit Unstaked(msg.sender, amount, record.staked);
        IERC20(token).safeTransfer(msg.sender, amount);
    }

    /// @dev Locks the stake behind one seat. The juror has it free, or no weight and was not drawn.
    function _lock(address juror) internal {
        Juror memory record = _jurors[juror];
        record.locked += uint112(_seatStake); // an uint96
        _save(juror, record);
    }

    /// @dev Frees the stake behind one seat, with what was won or lost on it; the loss is at most that stake.
    function _release(address juror, uint256 gain, uint256 loss) internal {
        Juror memory record = _jurors[juror];
        record.locked -= uint112(_seatStake);
        record.staked = uint112(record.staked + gain - loss); // at most the tokens here: see `_receive`
        _save(juror, record);
    }

    function _leafOf(address juror) internal view returns (uint256) {
        return _jurors[juror].leaf;
    }

    /// @dev Stores a juror and keeps the tree in step.
    function _save(address juror, Juror memory record) private {
        uint256 before = _weightOf(_jurors[juror]);
        uint256 weight = _weightOf(record);
        if (record.leaf == 0 && weight != 0) {
            record.leaf = uint32(_tree.grow()); // four billion jurors cannot come
            _jurorAt[record.leaf] = juror;
        }
        _jurors[juror] = record;
        if (before != weight) _tree.update(record.leaf, before, weight);
    }

    /// @dev All that is staked, while enough for one more seat is free.
    function _weightOf(Juror memory record) private view returns (uint256) {
        return record.staked - record.locked >= _seatStake ? record.staked : 0;
    }

    function _requireChange(uint256 amount) private view {
        if (amount == 0) revert ZeroAmount();
        if (_drawPending()) revert DrawPending();
    }

    /// @dev Takes `amount` from the caller. Called last, when the books already show it. All stakes together fit where
    /// one is stored, so that no gain can overflow.
    function _receive(uint256 amount) private {
        uint256 before = IERC20(token).balanceOf(address(this));
        IERC20(token).safeTransferFrom(msg.sender, address(this), amount);
        bool exact = IERC20(token).balanceOf(address(this)) == before + amount;
        if (!exact || before + amount > type(uint112).max) revert TokenMismatch();
    }
}
