// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IArbitrable, IArbitrator} from "contracts/interfaces/IArbitration.sol";

/// @dev An ERC-792 arbitrator that is nothing like the court: one owner who rules, no stake, no votes, no phases. An
/// appeal asks the same owner again.
contract CentralArbitrator is IArbitrator {
    struct Case {
        IArbitrable arbitrable;
        uint256 choices;
        uint256 ruling;
        DisputeStatus status;
        bytes extraData;
    }

    address public immutable owner = msg.sender;
    uint256 public fee;
    Case[] public cases;

    constructor(uint256 fee_) {
        fee = fee_;
    }

    function createDispute(uint256 choices, bytes calldata extraData) external payable returns (uint256 disputeId) {
        require(msg.value >= fee, "fee");
        disputeId = cases.length;
        cases.push(Case(IArbitrable(msg.sender), choices, 0, DisputeStatus.Waiting, extraData));
        emit DisputeCreation(disputeId, IArbitrable(msg.sender));
    }

    /// @dev A first word, open to appeal until `giveRuling`.
    function propose(uint256 disputeId, uint256 ruling) external {
        require(msg.sender == owner && cases[disputeId].status == DisputeStatus.Waiting, "propose");
        cases[disputeId].ruling = ruling;
        cases[disputeId].status = DisputeStatus.Appealable;
    }

    function appeal(uint256 disputeId, bytes calldata) external payable {
        require(msg.value >= 2 * fee && cases[disputeId].status == DisputeStatus.Appealable, "appeal");
        cases[disputeId].status = DisputeStatus.Waiting;
        emit AppealDecision(disputeId, cases[disputeId].arbitrable);
    }

    function giveRuling(uint256 disputeId, uint256 ruling) external {
        require(msg.sender == owner, "owner");
        cases[disputeId].ruling = ruling;
        cases[disputeId].status = DisputeStatus.Solved;
        cases[disputeId].arbitrable.rule(disputeId, ruling);
    }

    function arbitrationCost(bytes calldata) external view returns (uint256) {
        return fee;
    }

    function appealCost(uint256, bytes calldata) external view returns (uint256) {
        return 2 * fee;
    }

    function appealPeriod(uint256 disputeId) external view returns (uint256 start, uint256 end) {
        bool open = cases[disputeId].status == DisputeStatus.Appealable;
        return (0, open ? type(uint256).max : 0);
    }

    function disputeStatus(uint256 disputeId) external view returns (DisputeStatus) {
        return cases[disputeId].status;
    }

    function currentRuling(uint256 disputeId) external view returns (uint256) {
        return cases[disputeId].ruling;
    }
}
