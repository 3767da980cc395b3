// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IArbitrable, IArbitrator} from "contracts/interfaces/IArbitration.sol";
import {IDRaaSEscrow} from "contracts/interfaces/IDRaaSEscrow.sol";

/// @dev An arbitrator that numbers disputes as it likes, changes its price, calls back, or does nothing at all.
contract HostileArbitrator is IArbitrator {
    uint256 public nextId;
    uint256 public fee;
    bool public dead;
    bool public called; // whether the call back succeeded
    bytes private _call;

    function behave(uint256 nextId_, uint256 fee_, bool dead_) external {
        (nextId, fee, dead) = (nextId_, fee_, dead_);
    }

    /// @dev Made to the arbitrable while it creates a dispute or an appeal.
    function callBack(bytes calldata call) external {
        _call = call;
    }

    function act(address target, bytes calldata data) external payable {
        (bool success, bytes memory answer) = target.call{value: msg.value}(data);
        if (success) return;
        assembly ("memory-safe") {
            revert(add(answer, 32), mload(answer))
        }
    }

    function createDispute(uint256, bytes calldata) external payable returns (uint256) {
        require(!dead, "dead");
        if (_call.length != 0) (called,) = msg.sender.call(_call);
        return nextId;
    }

    function appeal(uint256, bytes calldata) external payable {
        require(!dead, "dead");
        if (_call.length != 0) (called,) = msg.sender.call(_call);
    }

    function rule(IDRaaSEscrow escrow, uint256 disputeId, uint256 ruling) external {
        escrow.rule(disputeId, ruling);
    }

    /// @dev Tries to give the fee back, or to leave ether behind.
    function send(address to, uint256 amount) external returns (bool success) {
        (success,) = to.call{value: amount}("");
    }

    function arbitrationCost(bytes calldata) external view returns (uint256) {
        return fee;
    }

    function appealCost(uint256, bytes calldata) external view returns (uint256) {
        return fee;
    }

    function appealPeriod(uint256) external pure returns (uint256, uint256) {
        return (0, 0);
    }

    function disputeStatus(uint256) external pure returns (DisputeStatus) {
        return DisputeStatus.Waiting;
    }

    function currentRuling(uint256) external pure returns (uint256) {
        return 0;
    }

    receive() external payable {}
}
