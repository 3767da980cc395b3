// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IDRaaSEscrow} from "contracts/interfaces/IDRaaSEscrow.sol";
import {Vm} from "../Vm.sol";
import {RawHandler} from "./RawHandler.sol";

/// @dev The laws against calls that may fail: unfiltered ones by the people of the market, and any at all straight at
/// the escrow by the same people.
contract RawLawsTest {
    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    event log_named_uint(string key, uint256 value);

    uint256 private constant FUNCTIONS = 22;
    uint256 private constant CALLED = 20; // by the handler
    Vm private constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));
    RawHandler private handler;
    address private escrow;
    address[] private people;

    function setUp() public {
        handler = new RawHandler();
        handler.setUp();
        (escrow, people) = handler.market();
    }

    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](2);
        (targets[0], targets[1]) = (address(handler), escrow);
    }

    /// @dev Half are the handler's; half are the escrow's own that change something, but for the two that post, since
    /// a job of other terms than the handler's could not be counted.
    function targetSelectors() public view returns (FuzzSelector[] memory targets) {
        targets = new FuzzSelector[](2);
        targets[0].addr = address(handler);
        targets[0].selectors = new bytes4[](21);
        bytes4[7] memory own = calls();
        for (uint256 k = 0; k < 21; ++k) {
            targets[0].selectors[k] = own[k % 7];
        }
        targets[1].addr = escrow;
        targets[1].selectors = new bytes4[](FUNCTIONS - 2);
        for (uint256 k = 0; k < FUNCTIONS - 2; ++k) {
            targets[1].selectors[k] = functions()[k + 2];
        }
    }

    function targetSenders() public view returns (address[] memory) {
        return people;
    }

    /// forge-config: default.invariant.fail-on-revert = false
    /// forge-config: default.invariant.dictionary-weight = 40
    /// forge-config: deep.invariant.fail-on-revert = false
    /// forge-config: deep.invariant.dictionary-weight = 40
    function invariant_the_laws_hold_whatever_is_called() public view {
        handler.checkLaws();
    }

    /// @dev Guards against calls that all fail: each function goes through now and then.
    function test_raw_calls_go_through_now_and_then() public {
        bytes4[7] memory selectors = calls();
        bytes4[FUNCTIONS] memory wanted = functions();
        uint256[FUNCTIONS] memory through;
        for (uint256 round = 0; round < 20; ++round) {
            setUp();
            for (uint256 k = 0; k < 400; ++k) {
                uint256 dice = uint256(keccak256(abi.encode(round, k)));
                bytes memory call = abi.encodePacked(selectors[dice % 7], dice >> 8, keccak256(abi.encode(dice)));
                (bool success,) = address(handler).call(call);
                vm.assertTrue(success, "a raw call of the handler's own failed");
                if (k % 20 == 0) handler.checkLaws();
            }
            for (uint256 w = 0; w < wanted.length; ++w) {
                through[w] += handler.through(wanted[w]);
            }
        }
        for (uint256 w = 1; w <= CALLED; ++w) {
            emit log_named_uint("in 8,000 calls, successful", through[w]);
        }
        for (uint256 w = 1; w <= CALLED; ++w) {
            vm.assertGe(through[w], 1, "a function never went through");
        }
    }

    function calls() private view returns (bytes4[7] memory) {
        return [
            handler.job.selector,
            handler.job.selector,
            handler.run.selector,
            handler.run.selector,
            handler.court.selector,
            handler.bond.selector,
            handler.pass.selector
        ];
    }

    function functions() private pure returns (bytes4[FUNCTIONS] memory) {
        return [
            IDRaaSEscrow.postJobWithPermit.selector,
            IDRaaSEscrow.postJob.selector,
            IDRaaSEscrow.topUp.selector,
            IDRaaSEscrow.cancelJob.selector,
            IDRaaSEscrow.cancelJobBySignature.selector,
            IDRaaSEscrow.declineJob.selector,
            IDRaaSEscrow.refund.selector,
            IDRaaSEscrow.lapseJob.selector,
            IDRaaSEscrow.claimJob.selector,
            IDRaaSEscrow.reportUsage.selector,
            IDRaaSEscrow.completeJob.selector,
            IDRaaSEscrow.relayReports.selector,
            IDRaaSEscrow.reportFinal.selector,
            IDRaaSEscrow.withdraw.selector,
            IDRaaSEscrow.startUnbond.selector,
            IDRaaSEscrow.withdrawBond.selector,
            IDRaaSEscrow.dispute.selector,
            bytes4(keccak256("rule(uint256,uint256)")),
            IDRaaSEscrow.ruleByDefault.selector,
            IDRaaSEscrow.register.selector,
            IDRaaSEscrow.setRates.selector,
            IDRaaSEscrow.submitEvidence.selector
        ];
    }
}
