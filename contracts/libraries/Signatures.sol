// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";

/// @title Signatures of keys and of contracts (ERC-1271)
/// @notice OpenZeppelin's SignatureChecker of this version cannot be compiled for Shanghai.
library Signatures {
    /// @dev What a contract may use to answer, and of its answer one word is read: it may be hostile, and one of many.
    uint256 private constant WALLET_GAS = 200_000;

    /// @notice Whether `signature` over `digest` is `signer`'s own.
    /// @dev A key's signature is tried first: asking whether there is code costs as much as recovering the key.
    function isBy(address signer, bytes32 digest, bytes calldata signature) internal view returns (bool) {
        // slither-disable-next-line unused-return - what else was wrong with it is of no account
        (address recovered, ECDSA.RecoverError fault,) = ECDSA.tryRecover(digest, signature);
        if (fault == ECDSA.RecoverError.NoError && recovered == signer) return true;
        if (signer.code.length == 0) return false;
        bytes memory question = abi.encodeCall(IERC1271.isValidSignature, (digest, signature));
        bytes32 answer = bytes32(0);
        bool success = false;
        assembly ("memory-safe") {
            success := staticcall(WALLET_GAS, signer, add(question, 32), mload(question), 0, 32)
            if gt(returndatasize(), 31) { answer := mload(0) }
        }
        return success && answer == bytes32(IERC1271.isValidSignature.selector);
    }
}
