// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IDRaaSCourt} from "../interfaces/IDRaaSCourt.sol";

/// @title What jurors have earned in wei, which each has to take himself
abstract contract Fees is IDRaaSCourt {
    mapping(address juror => uint256) private _fees;

    /// @inheritdoc IDRaaSCourt
    function feesOf(address juror) external view returns (uint256) {
        return _fees[juror];
    }

    /// @inheritdoc IDRaaSCourt
    function withdrawFees() external returns (uint256 amount) {
        amount = _fees[msg.sender];
        if (amount == 0) revert NothingToWithdraw();
        _fees[msg.sender] = 0;
        emit FeesWithdrawn(msg.sender, amount);
        (bool success,) = msg.sender.call{value: amount}("");
        if (!success) revert WithdrawalFailed();
    }

    function _earn(address juror, uint256 fee) internal {
        _fees[juror] += fee;
    }
}
