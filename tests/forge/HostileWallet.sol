// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @dev A contract as a signer (ERC-1271): an honest one that knows one signature, or one that does its worst.
contract HostileWallet {
    enum Mood {
        Honest, // accepts "yes" alone
        Reverts,
        Garbage, // 32 bytes that are not the magic value
        Dirty, // the magic value with rubbish behind it in the same word
        Short, // four bytes instead of a word
        Bomb, // a megabyte
        Burns // all the gas it is given
    }

    Mood public mood;

    constructor(Mood mood_) {
        mood = mood_;
    }

    function isValidSignature(bytes32, bytes calldata signature) external view returns (bytes32) {
        if (mood == Mood.Honest) {
            return keccak256(signature) == keccak256("yes") ? bytes32(bytes4(0x1626ba7e)) : bytes32(0);
        }
        if (mood == Mood.Garbage) return keccak256("garbage");
        if (mood == Mood.Dirty) return bytes32(bytes4(0x1626ba7e)) | bytes32(uint256(1));
        if (mood == Mood.Short) answer(4);
        if (mood == Mood.Bomb) answer(1 << 20);
        while (mood == Mood.Burns) {}
        revert("hostile");
    }

    /// @dev Whatever calls it is to make, as itself.
    function act(address target, bytes calldata data) external payable returns (bytes memory) {
        (bool success, bytes memory result) = target.call{value: msg.value}(data);
        if (success) return result;
        assembly ("memory-safe") {
            revert(add(result, 32), mload(result))
        }
    }

    function answer(uint256 length) private pure {
        assembly ("memory-safe") {
            mstore(0, shl(224, 0x1626ba7e))
            return(0, length)
        }
    }
}
