// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {JobTerms} from "../interfaces/Types.sol";

/// @title The hash of a job's terms
/// @notice It is part of the job's id.
library Terms {
    uint256 private constant FIXED = 416; // bytes before the cid: thirteen fields, a word each
    uint256 private constant HEAD = 448; // with the place of the cid

    /// @notice `keccak256(abi.encode(terms))`
    /// @dev The words are copied as they came instead of one by one, which saves 1,400 gas at a post and at a claim.
    /// A word that is no value of its field gives a hash of its own: `postJob` refuses it where it reads the fields,
    /// and every other call finds no job by that hash.
    function hash(JobTerms calldata terms) internal pure returns (bytes32 result) {
        bytes calldata cid = bytes(terms.cid);
        assembly ("memory-safe") {
            let encoded := mload(0x40)
            let tail := add(encoded, add(64, HEAD))
            mstore(encoded, 32) // where the struct begins
            calldatacopy(add(encoded, 32), terms, FIXED)
            mstore(add(encoded, HEAD), HEAD) // where in the struct the cid begins
            mstore(sub(tail, 32), cid.length)
            mstore(add(tail, cid.length), 0) // zeros up to a whole word
            calldatacopy(tail, cid.offset, cid.length)
            result := keccak256(encoded, add(add(64, HEAD), and(add(cid.length, 31), not(31))))
        }
    }
}
