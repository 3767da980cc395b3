// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IEscrowEvents} from "../../contracts/interfaces/IEscrowEvents.sol";
import {JobTerms, Rates, Usage} from "../../contracts/interfaces/Types.sol";

/// @notice Tells what an escrow would tell of many jobs that all go well, without keeping any books: a long history in
/// seconds. Its code is put in an escrow's place.
contract Emitter is IEscrowEvents {
    uint256 private constant DEPOSIT = 1e18;
    uint256 private constant EARNED = 1e15; // by each report

    /// @notice A provider registers.
    function register(uint256 bonded, Rates calldata rates) external {
        emit ProviderRegistered(msg.sender, bonded);
        emit RatesSet(msg.sender, 1, rates);
    }

    /// @notice One more event of each of `count` jobs. Step 0 posts them, 1 claims them, the last two complete them and
    /// give the rest back, all between are reports.
    /// @param terms of all of them, but for the salt
    /// @param first the first one's number
    function tell(JobTerms memory terms, uint256 first, uint256 count, uint256 step, uint256 steps) external {
        for (uint256 i = first; i < first + count; ++i) {
            terms.salt = bytes32(i);
            bytes32 id = keccak256(abi.encode(block.chainid, address(this), terms.consumer, keccak256(abi.encode(terms))));
            if (step == 0) {
                emit JobPosted(id, terms.consumer, terms.scheduler, DEPOSIT, block.timestamp + terms.claimWithin, terms);
            } else if (step == 1) {
                emit JobClaimed(id, msg.sender, 1, 1, bytes32(i), block.timestamp + terms.duration);
            } else if (step == steps - 2) {
                emit JobCompleted(id, msg.sender, 1, 0, terms.cid);
            } else if (step == steps - 1) {
                emit Refunded(id, terms.consumer, DEPOSIT - (steps - 4) * EARNED);
            } else {
                uint64 done = uint64(step - 1);
                emit UsageReported(id, msg.sender, 1, Usage(done * 900, done * 64, 0, done), done * EARNED);
            }
        }
    }
}
