// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";

/// @title Signatures of keys and of contracts (ERC-1271)
/// @notice OpenZeppelin's SignatureChecker of this version cannot be compiled for Shanghai.
library Signatures {
    /// @notice Whether `signature` over `digest` is `signer`'s own.
    /// @dev A key's signature is tried first: asking whether there is code costs as much as recovering the key.
    function isBy(address signer, bytes32 digest, bytes calldata signature) internal view returns (bool) {
        // slither-disable-next-line unused-return - what else was wrong with it is of no account
        (address recovered, ECDSA.RecoverError fault,) = ECDSA.tryRecover(digest, signature);
        if (fault == ECDSA.RecoverError.NoError && recovered == signer) return true;
        if (signer.code.length == 0) return false;
        (bool success, bytes memory answer) =
            signer.staticcall(abi.encodeCall(IERC1271.isValidSignature, (digest, signature)));
        return success && answer.length >= 32 && bytes32(answer) == bytes32(IERC1271.isValidSignature.selector);
    }
}
