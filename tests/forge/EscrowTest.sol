// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {DRaaSEscrow} from "contracts/DRaaSEscrow.sol";
import {ResourceToken} from "contracts/ResourceToken.sol";
import {
    Assignment,
    IDRaaSEscrow,
    JobState,
    JobTerms,
    Parameters,
    Rates,
    Resources,
    RunRef,
    Usage,
    UsageReport
} from "contracts/interfaces/IDRaaSEscrow.sol";

/// @dev The cheat codes that these tests use.
interface Vm {
    function warp(uint256 timestamp) external;
    function chainId(uint256 id) external;
    function prank(address caller) external;
    function expectRevert(bytes calldata data) external;
    function addr(uint256 key) external pure returns (address);
    function sign(uint256 key, bytes32 digest) external pure returns (uint8 v, bytes32 r, bytes32 s);
    function assume(bool condition) external pure;
    function assertEq(uint256 a, uint256 b) external pure;
    function assertEq(uint256 a, uint256 b, string calldata why) external pure;
    function assertEq(address a, address b) external pure;
    function assertEq(bytes32 a, bytes32 b) external pure;
    function assertTrue(bool held) external pure;
    function assertTrue(bool held, string calldata why) external pure;
    function assertGe(uint256 a, uint256 b, string calldata why) external pure;
    function assertLe(uint256 a, uint256 b, string calldata why) external pure;
    function readFile(string calldata path) external view returns (string memory);
    function parseJsonUintArray(string calldata json, string calldata key) external pure returns (uint256[] memory);
    function parseJsonUint(string calldata json, string calldata key) external pure returns (uint256);
    function lastCallGas() external view returns (Gas memory gas);

    struct Gas {
        uint64 gasLimit;
        uint64 gasTotalUsed;
        uint64 gasMemoryUsed;
        int64 gasRefunded;
        uint64 gasRemaining;
    }
}

/// @dev A deployed escrow, people with tokens, and builders for jobs on their way.
abstract contract EscrowTest {
    Vm internal constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    uint256 internal constant WINDOW = 60;
    uint256 internal constant LAPSE_AFTER = 30;
    uint256 internal constant GRACE = 20;
    uint256 internal constant MIN_BOND = 500;
    uint256 internal constant DISPUTE_BOND = 70;
    uint256 internal constant RULING_TIME = 300;
    uint256 internal constant UNBOND_TIME = 200;
    uint256 internal constant T0 = 1_700_000_040; // the first second of an epoch
    uint256 internal constant DEPOSIT = 1e9;
    uint256 internal constant SCHEDULER_KEY = 0x5C;
    uint256 internal constant CONSUMER_KEY = 0xC0;

    address internal consumer = vm.addr(CONSUMER_KEY);
    address internal scheduler = vm.addr(SCHEDULER_KEY);
    address internal watcher = address(0x3A7C);
    address internal provider = address(0xA1);
    address internal rival = address(0xA2);
    address internal arbiter = address(0xAB);
    address internal stranger = address(0xBAD);

    ResourceToken internal token;
    DRaaSEscrow internal escrow;
    uint256 private _posted;

    function setUp() public virtual {
        vm.warp(T0);
        token = new ResourceToken(address(this), 1e30);
        escrow = new DRaaSEscrow(address(token), arbiter, parameters());
        address[5] memory people = [consumer, watcher, provider, rival, stranger];
        for (uint256 i = 0; i < people.length; ++i) {
            token.transfer(people[i], 1e15);
            vm.prank(people[i]);
            token.approve(address(escrow), type(uint256).max);
        }
        register(provider);
        register(rival);
    }

    function parameters() internal pure returns (Parameters memory) {
        return Parameters(WINDOW, LAPSE_AFTER, GRACE, MIN_BOND, DISPUTE_BOND, RULING_TIME, UNBOND_TIME);
    }

    function rates() internal pure returns (Rates memory) {
        return Rates({cpuMs: 1000, memoryMibS: 20, egressKib: 5, wallS: 50});
    }

    function register(address who) internal {
        vm.prank(who);
        escrow.register(MIN_BOND, rates());
    }

    function someTerms() internal returns (JobTerms memory) {
        return JobTerms({
            consumer: consumer,
            scheduler: scheduler,
            watcher: watcher,
            salt: bytes32(++_posted),
            resources: Resources({cpuMillis: 1000, memoryMib: 512, egressKibS: 64}),
            maxRates: Rates({cpuMs: 2000, memoryMibS: 30, egressKib: 7, wallS: 100}),
            duration: 600,
            claimWithin: 100,
            cid: "bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi"
        });
    }

    /// @dev All that the terms' reserve can use in so many seconds.
    function full(uint256 span) internal pure returns (Usage memory) {
        return Usage(uint64(1000 * span), uint64(512 * span), uint64(64 * span), uint64(span));
    }

    /// @dev What `full(span)` costs at `rates()`.
    function price(uint256 span) internal pure returns (uint256) {
        return span * (1000 * 1000 + 512 * 20 + 64 * 5 + 50);
    }

    function posted() internal returns (JobTerms memory terms, bytes32 id) {
        terms = someTerms();
        vm.prank(consumer);
        id = escrow.postJob(terms, DEPOSIT);
    }

    function running() internal returns (JobTerms memory terms, bytes32 id) {
        (terms, id) = posted();
        claim(terms, 1, provider);
    }

    function assignmentOf(JobTerms memory terms, uint8 attempt, address who) internal view returns (Assignment memory) {
        return Assignment(escrow.jobIdOf(terms), attempt, who, bytes32("image"), uint64(block.timestamp + 60));
    }

    function claim(JobTerms memory terms, uint8 attempt, address who) internal {
        Assignment memory a = assignmentOf(terms, attempt, who);
        bytes memory signature = signed(a, SCHEDULER_KEY);
        vm.prank(who);
        escrow.claimJob(terms, a, signature);
    }

    function signed(Assignment memory a, uint256 key) internal view returns (bytes memory) {
        bytes32 hash = keccak256(
            abi.encode(
                keccak256("Assignment(bytes32 jobId,uint8 attempt,address provider,bytes32 image,uint64 deadline)"),
                a.jobId,
                a.attempt,
                a.provider,
                a.image,
                a.deadline
            )
        );
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("DRaaS"),
                keccak256("1"),
                block.chainid,
                address(escrow)
            )
        );
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, keccak256(abi.encodePacked("\x19\x01", domain, hash)));
        return abi.encodePacked(r, s, v);
    }

    function reportOf(bytes32 id, uint8 attempt, Usage memory usage) internal pure returns (UsageReport memory) {
        return UsageReport(id, attempt, usage);
    }

    function report(bytes32 id, uint8 attempt, Usage memory usage) internal {
        UsageReport[] memory reports = new UsageReport[](1);
        reports[0] = reportOf(id, attempt, usage);
        vm.prank(attempt == 1 ? provider : rival);
        escrow.reportUsage(reports);
    }

    function complete(bytes32 id, Usage memory usage) internal {
        vm.prank(provider);
        escrow.completeJob(reportOf(id, 1, usage), 0, "");
    }

    function refOf(bytes32 id, uint8 attempt) internal pure returns (RunRef[] memory refs) {
        refs = new RunRef[](1);
        refs[0] = RunRef(id, attempt);
    }

    function withdraw(address who, bytes32 id, uint8 attempt) internal returns (uint256) {
        RunRef[] memory refs = refOf(id, attempt);
        vm.prank(who);
        return escrow.withdraw(refs);
    }

    function at(uint256 second) internal {
        vm.warp(T0 + second);
    }

    function assertState(bytes32 id, JobState expected) internal view {
        vm.assertEq(uint256(escrow.stateOf(id)), uint256(expected), "state");
    }

    function earned(bytes32 id, uint8 attempt) internal view returns (uint256 all) {
        (all,) = escrow.earnedOf(id, attempt);
    }

    function finalEarned(bytes32 id, uint8 attempt) internal view returns (uint256 part) {
        (, part) = escrow.earnedOf(id, attempt);
    }

    function wrongState(bytes32 id, JobState state) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IDRaaSEscrow.WrongState.selector, id, state);
    }
}
