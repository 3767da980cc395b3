// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @title Arbitrable (ERC-792)
/// @notice A contract that has disputes ruled by an arbitrator.
interface IArbitrable {
    /// @notice The arbitrator's last word on a dispute.
    event Ruling(IArbitrator indexed arbitrator, uint256 indexed disputeId, uint256 ruling);

    /// @notice Take a ruling. Only the arbitrator that the dispute was created at may call.
    /// @param disputeId the arbitrator's number of the dispute
    /// @param ruling one of the choices, from 1; 0 when the arbitrator refuses to rule
    function rule(uint256 disputeId, uint256 ruling) external;
}

/// @title Arbitrator (ERC-792)
/// @notice A contract that rules disputes for a fee in wei.
interface IArbitrator {
    /// @notice Where a dispute stands: being judged, ruled but open to appeal, or done.
    enum DisputeStatus {
        Waiting,
        Appealable,
        Solved
    }

    /// @notice A dispute was opened.
    event DisputeCreation(uint256 indexed disputeId, IArbitrable indexed arbitrable);
    /// @notice A ruling was given that can be appealed for a while.
    event AppealPossible(uint256 indexed disputeId, IArbitrable indexed arbitrable);
    /// @notice A ruling was appealed.
    event AppealDecision(uint256 indexed disputeId, IArbitrable indexed arbitrable);

    /// @notice Open a dispute; the caller is the arbitrable that will be ruled. Costs `arbitrationCost`.
    /// @param choices number of rulings to choose from; 0 is always "refused to rule" besides
    /// @param extraData how to judge it, in the arbitrator's own terms
    function createDispute(uint256 choices, bytes calldata extraData) external payable returns (uint256 disputeId);
    /// @notice Judge a ruled dispute anew. Costs `appealCost`.
    function appeal(uint256 disputeId, bytes calldata extraData) external payable;
    /// @notice The cost of a dispute, in wei.
    function arbitrationCost(bytes calldata extraData) external view returns (uint256 cost);
    /// @notice The cost of an appeal, in wei.
    function appealCost(uint256 disputeId, bytes calldata extraData) external view returns (uint256 cost);
    /// @notice When the current ruling can be appealed.
    /// @return start first second at which it can
    /// @return end second from which it no longer can; both 0 when there is nothing to appeal
    function appealPeriod(uint256 disputeId) external view returns (uint256 start, uint256 end);
    /// @notice Where a dispute stands.
    function disputeStatus(uint256 disputeId) external view returns (DisputeStatus status);
    /// @notice The ruling that would be given if nothing else happened.
    function currentRuling(uint256 disputeId) external view returns (uint256 ruling);
}

/// @title Evidence (ERC-1497)
/// @notice What an arbitrable tells its arbitrators of a dispute; the documents live on IPFS.
interface IEvidence {
    /// @notice What disputes of this kind are about and how the rulings read.
    event MetaEvidence(uint256 indexed metaEvidenceId, string evidence);
    /// @notice One piece of evidence, as the path of its document on IPFS.
    event Evidence(
        IArbitrator indexed arbitrator, uint256 indexed evidenceGroupId, address indexed party, string evidence
    );
    /// @notice Links a dispute with what it is about and with its evidence.
    event Dispute(
        IArbitrator indexed arbitrator, uint256 indexed disputeId, uint256 metaEvidenceId, uint256 evidenceGroupId
    );
}
