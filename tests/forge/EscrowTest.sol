// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {IArbitrator} from "contracts/interfaces/IArbitration.sol";
import {IDRaaSEscrow} from "contracts/interfaces/IDRaaSEscrow.sol";
import {IEscrowEvents} from "contracts/interfaces/IEscrowEvents.sol";
import {
    DisputeRecord,
    Job,
    JobState,
    JobTerms,
    Parameters,
    Provider,
    Rates,
    Resources,
    Run,
    RunRef,
    RunState,
    SignedReport,
    Usage,
    UsageReport
} from "contracts/interfaces/Types.sol";
import {CentralArbitrator} from "./CentralArbitrator.sol";
import {Vm} from "./Vm.sol";

/// @dev The token as the tests use it.
interface IToken is IERC20, IERC20Permit {}

/// @dev A deployed escrow, people with tokens, and builders for jobs on their way.
abstract contract EscrowTest {
    Vm internal constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    uint256 internal constant WINDOW = 60;
    uint256 internal constant LAPSE_AFTER = 30;
    uint256 internal constant GRACE = 20;
    uint256 internal constant BOND_PER_UNIT = 7;
    uint256 internal constant DISPUTE_BOND = 70;
    uint256 internal constant RULING_TIME = 300;
    uint256 internal constant UNBOND_TIME = 500;
    uint256 internal constant LAPSES_PER_SLASH = 3;
    uint256 internal constant FEE = 1000; // wei, of the central arbitrator
    uint256 internal constant T0 = 1_700_000_040; // the first second of an epoch
    uint256 internal constant DEPOSIT = 1e9;
    uint32 internal constant UNITS = 1512; // a core and 512 MiB, as every job reserves
    uint32 internal constant BONDED = 20 * UNITS;
    uint256 internal constant SCHEDULER_KEY = 0x5C;
    uint256 internal constant CONSUMER_KEY = 0xC0;
    uint256 internal constant PROVIDER_KEY = 0xA1;

    address internal consumer = vm.addr(CONSUMER_KEY);
    address internal scheduler = vm.addr(SCHEDULER_KEY);
    address internal watcher = address(0x3A7C);
    address internal provider = vm.addr(PROVIDER_KEY);
    address internal rival = address(0xA2);
    address internal stranger = address(0xBAD);

    IToken internal token;
    IDRaaSEscrow internal escrow;
    CentralArbitrator internal arbitrator;
    uint256 private _posted;

    function setUp() public virtual {
        vm.warp(T0);
        token = IToken(vm.deployCode("ResourceToken.sol:ResourceToken", abi.encode(address(this), 1e30)));
        arbitrator = new CentralArbitrator(FEE);
        escrow = newEscrow(address(token), address(arbitrator), parameters());
        address[5] memory people = [consumer, watcher, provider, rival, stranger];
        for (uint256 i = 0; i < people.length; ++i) {
            token.transfer(people[i], 1e15);
            vm.deal(people[i], 1 ether);
            vm.prank(people[i]);
            token.approve(address(escrow), type(uint256).max);
        }
        register(provider);
        register(rival);
    }

    function parameters() internal pure returns (Parameters memory) {
        return Parameters({
            window: WINDOW,
            lapseAfter: LAPSE_AFTER,
            settleGrace: GRACE,
            bondPerUnit: BOND_PER_UNIT,
            disputeBond: DISPUTE_BOND,
            rulingTime: RULING_TIME,
            unbondTime: UNBOND_TIME,
            lapsesPerSlash: LAPSES_PER_SLASH,
            courtId: 0,
            minJurors: 3
        });
    }

    function newEscrow(address token_, address arbitrator_, Parameters memory p) internal returns (IDRaaSEscrow) {
        bytes memory arguments = abi.encode(token_, arbitrator_, "/ipfs/bafymeta", p);
        return IDRaaSEscrow(vm.deployCode("DRaaSEscrow.sol:DRaaSEscrow", arguments));
    }

    function rates() internal pure returns (Rates memory) {
        return Rates({cpuMs: 1000, memoryMibS: 20, egressKib: 5, wallS: 50});
    }

    function register(address who) internal {
        vm.prank(who);
        escrow.register(BONDED, rates());
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

    function claim(JobTerms memory terms, uint8 attempt, address who) internal {
        uint64 deadline = uint64(block.timestamp + 60);
        bytes memory signature = assigned(escrow.jobIdOf(terms), attempt, who, deadline);
        vm.prank(who);
        escrow.claimJob(terms, bytes32("image"), deadline, signature);
    }

    // ---- Signatures -----------------------------------------------------------------------------------------

    function assigned(bytes32 id, uint8 attempt, address who, uint64 deadline) internal view returns (bytes memory) {
        return assigned(id, attempt, who, bytes32("image"), deadline);
    }

    function assigned(bytes32 id, uint8 attempt, address who, bytes32 image, uint64 deadline)
        internal
        view
        returns (bytes memory)
    {
        return sign(
            SCHEDULER_KEY,
            abi.encode(
                keccak256("Assignment(bytes32 jobId,uint8 attempt,address provider,bytes32 image,uint64 deadline)"),
                id,
                attempt,
                who,
                image,
                deadline
            )
        );
    }

    function signedCancel(uint256 key, bytes32 id, uint64 deadline) internal view returns (bytes memory) {
        return sign(key, abi.encode(keccak256("Cancel(bytes32 jobId,uint64 deadline)"), id, deadline));
    }

    function signedReport(uint256 key, UsageReport memory r, uint64 deadline) internal view returns (bytes memory) {
        bytes32 kind = keccak256(
            "UsageReport(bytes32 jobId,uint8 attempt,uint64 cpuMs,uint64 memoryMibS,uint64 egressKib,uint64 wallS,uint64 deadline)"
        );
        return sign(key, abi.encode(kind, r, deadline));
    }

    /// @dev EIP-712 by the escrow's domain on this chain.
    function sign(uint256 key, bytes memory message) internal view returns (bytes memory) {
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("DRaaS"),
                keccak256("1"),
                block.chainid,
                address(escrow)
            )
        );
        (uint8 v, bytes32 r, bytes32 s) =
            vm.sign(key, keccak256(abi.encodePacked("\x19\x01", domain, keccak256(message))));
        return abi.encodePacked(r, s, v);
    }

    // ---- Moves ----------------------------------------------------------------------------------------------

    function termsHashOf(JobTerms memory terms) internal pure returns (bytes32) {
        return keccak256(abi.encode(terms));
    }

    function cancel(JobTerms memory terms) internal {
        vm.prank(terms.consumer);
        escrow.cancelJob(termsHashOf(terms));
    }

    /// @dev By anybody, naming the provider of the last attempt.
    function refund(JobTerms memory terms, address who) internal {
        vm.prank(stranger);
        escrow.refund(terms.consumer, termsHashOf(terms), who);
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

    /// @dev All that is somebody's without naming a run.
    function withdrawCredit(address who) internal returns (uint256) {
        RunRef[] memory none = new RunRef[](0);
        vm.prank(who);
        return escrow.withdraw(none);
    }

    function openDispute(address who, JobTerms memory terms, uint8 attempt, address of_) internal returns (uint256) {
        vm.prank(who);
        return escrow.dispute{value: FEE}(terms, attempt, of_, "/ipfs/bafyevidence");
    }

    function at(uint256 second) internal {
        vm.warp(T0 + second);
    }

    // ---- Looks ----------------------------------------------------------------------------------------------

    function assertState(bytes32 id, JobState expected) internal view {
        vm.assertEq(uint256(escrow.stateOf(id)), uint256(expected), "state");
    }

    function runnerOf(uint8 attempt) internal view returns (address) {
        return attempt == 1 ? provider : rival;
    }

    function earned(bytes32 id, uint8 attempt) internal view returns (uint256 all) {
        (all,) = escrow.earnedOf(id, attempt, runnerOf(attempt));
    }

    function finalEarned(bytes32 id, uint8 attempt) internal view returns (uint256 part) {
        (, part) = escrow.earnedOf(id, attempt, runnerOf(attempt));
    }

    function wrongState(bytes32 id, JobState state) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IEscrowEvents.WrongState.selector, id, state);
    }
}
