// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";
import {Signatures} from "../libraries/Signatures.sol";
import {Ledger} from "./Ledger.sol";

/// @title Signed messages
/// @notice What others have signed for this escrow on this chain (EIP-712).
/// @dev OpenZeppelin's EIP712 does the same and describes itself besides, in 900 bytes that the contract does not have.
abstract contract Signed is Ledger {
    bytes32 private constant DOMAIN =
        keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");
    bytes32 private immutable _domain;

    constructor() {
        _domain = _domainNow();
    }

    /// @dev Whether `signer` has signed this struct hash for this contract.
    function _isSignedBy(address signer, bytes32 structHash, bytes calldata signature) internal view returns (bool) {
        // A fork of the chain that takes another id has another domain.
        bytes32 domain = block.chainid == _chainId ? _domain : _domainNow();
        return Signatures.isBy(signer, MessageHashUtils.toTypedDataHash(domain, structHash), signature);
    }

    /// @dev The same, or it reverts; also after the message's deadline.
    function _requireSigned(address signer, bytes32 structHash, uint64 deadline, bytes calldata signature)
        internal
        view
    {
        if (block.timestamp > deadline) revert SignatureExpired(deadline);
        if (!_isSignedBy(signer, structHash, signature)) revert SignatureInvalid();
    }

    function _domainNow() private view returns (bytes32) {
        return keccak256(abi.encode(DOMAIN, keccak256("DRaaS"), keccak256("1"), block.chainid, address(this)));
    }
}
