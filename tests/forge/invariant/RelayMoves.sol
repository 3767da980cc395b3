// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {JobState, Run, SignedReport, Usage, UsageReport} from "../EscrowTest.sol";
import {ConsumerMoves} from "./ConsumerMoves.sol";
import {Move} from "./Market.sol";

/// @dev Reports in batches, and what is signed by one and sent by another.
abstract contract RelayMoves is ConsumerMoves {
    /// @dev A call that carried a signed message, and whose it was to make.
    struct Used {
        address caller;
        bytes call;
    }

    Used[] private _used;

    error Rehearsed(bytes32 outcome);

    function act(address who, bytes memory call) internal {
        vm.prank(who);
        (bool success,) = address(escrow).call(call);
        vm.assertTrue(success, "a call that had to go through was refused");
    }

    function mustFail(address who, bytes memory call) internal {
        uint256 fee = bytes4(call) == escrow.dispute.selector ? escrow.disputeFee() : 0;
        vm.prank(who);
        (bool success,) = address(escrow).call{value: fee}(call);
        vm.assertTrue(!success, "a call that had to be refused went through");
    }

    function noteUsed(address caller, bytes memory call) internal {
        mustFail(caller, call); // [20] at once, too
        _used.push(Used(caller, call));
    }

    /// @dev [20] Whenever it is tried again.
    function replay(uint256 seed) external watched {
        if (_used.length == 0) return;
        Used storage used = _used[seed % _used.length];
        mustFail(used.caller, used.call);
        ++done[Move.Replay];
    }

    /// @dev [21] Does what its good items alone do, one by one.
    function reportBatch(uint256 seed, uint256 amount) external watched {
        address who = runnerAt(seed);
        (UsageReport[] memory good, uint256 count) = reportsOf(who, seed, amount);
        for (uint256 k = 0; k < PROVIDERS && count == 0; ++k) {
            who = runnerAt(k);
            (good, count) = reportsOf(who, seed, amount);
        }
        if (count == 0) return;
        Booking[] memory bookings = new Booking[](count);
        for (uint256 k = 0; k < count; ++k) {
            uint256 i = dealOf(good[k].jobId);
            look(i);
            bookings[k] = foresee(i, good[k]);
        }
        bytes32 alone = rehearsal(abi.encodeCall(this.rehearse, (who, good)));
        UsageReport[] memory mixed = withBad(good, who, seed);
        vm.prank(who);
        escrow.reportUsage(mixed);
        vm.assertTrue(outcome(who, good) == alone, "[21] a batch is its good items one by one");
        for (uint256 k = 0; k < count; ++k) {
            noteReport(bookings[k]);
        }
        ++done[Move.ReportBatch];
    }

    function relay(uint256 seed, uint256 amount) external watched {
        (bool found, uint256 i) = findReportable(seed);
        if (!found) return;
        look(i);
        UsageReport memory report = nextSigned(i, seed >> 8, amount);
        Booking memory b = foresee(i, report);
        if (b.earned == runOf(i, b.attempt).earned) {
            report.usage = capOf(i);
            b = foresee(i, report);
        }
        if (b.earned == runOf(i, b.attempt).earned) return;
        SignedReport[] memory forged = new SignedReport[](1);
        forged[0] = signedBy(b.runner, report, type(uint64).max);
        forged[0].signature = signedReport(SCHEDULER_KEY, report, type(uint64).max);
        mustFail(relayer, abi.encodeCall(escrow.relayReports, (forged)));
        SignedReport[] memory sent = new SignedReport[](3);
        sent[0] = signedBy(b.runner, report, uint64(block.timestamp) - 1); // too late
        sent[1] = signedBy(b.runner, report, type(uint64).max);
        sent[2] = sent[1]; // worth no more than it was
        bytes memory call = abi.encodeCall(escrow.relayReports, (sent));
        act(relayer, call);
        noteUsed(relayer, call);
        noteReport(b);
        ++done[Move.Relay];
    }

    /// @dev All that the run has earned is final at once.
    function coSign(uint256 seed, uint256 amount) external watched {
        (bool found, uint256 i) = findReportable(seed);
        if (!found) return;
        look(i);
        UsageReport memory report = nextSigned(i, seed >> 8, amount);
        Booking memory b = foresee(i, report);
        SignedReport memory sent = signedBy(b.runner, report, uint64(block.timestamp));
        bytes memory agreement = signedReport(keyOf(deals[i].terms.consumer), report, sent.deadline);
        mustFail(relayer, finalCall(i, sent, signedReport(SCHEDULER_KEY, report, sent.deadline)));
        bytes memory signature = sent.signature;
        sent.signature = "";
        mustFail(relayer, finalCall(i, sent, agreement));
        if (seed % 2 == 0) sent.signature = signature;
        uint256 before = runOf(i, b.attempt).released;
        address caller = seed % 2 == 0 ? relayer : b.runner;
        bytes memory call = finalCall(i, sent, agreement);
        if (b.earned == before) return mustFail(caller, call); // there is nothing to release
        act(caller, call);
        noteUsed(caller, call);
        b.released = b.earned - before;
        attempts[i][b.attempt].agreed = b.earned;
        noteReport(b);
        vm.assertEq(finalOf(i, b.attempt), b.earned, "[7] what is co-signed is final at once");
        ++done[Move.CoSign];
    }

    function finalCall(uint256 i, SignedReport memory sent, bytes memory agreement)
        private
        view
        returns (bytes memory)
    {
        return abi.encodeCall(escrow.reportFinal, (sent, deals[i].terms.consumer, deals[i].termsHash, agreement));
    }

    function cancelSigned(uint256 seed) external watched {
        (bool found, uint256 i) = find(seed, seed % 2 == 0 ? JobState.Open : JobState.Running);
        if (!found || seed % 3 == 0) return;
        look(i);
        address payer = deals[i].terms.consumer;
        uint256 before = token.balanceOf(payer);
        bytes memory signature = signedCancel(keyOf(payer), deals[i].id, type(uint64).max);
        bytes memory forged = signedCancel(SCHEDULER_KEY, deals[i].id, type(uint64).max);
        bytes32 hash = deals[i].termsHash;
        mustFail(relayer, abi.encodeCall(escrow.cancelJobBySignature, (payer, hash, type(uint64).max, forged)));
        bytes memory call = abi.encodeCall(escrow.cancelJobBySignature, (payer, hash, type(uint64).max, signature));
        act(relayer, call);
        noteCancelled(i, seed % 2 == 0, before);
        noteUsed(relayer, call);
        finish(i, Move.CancelSigned);
    }

    // ---- Reports --------------------------------------------------------------------------------------------

    /// @dev Totals that are worth no less than the last.
    function nextReport(uint256 i, uint256 seed, uint256 amount) internal view returns (UsageReport memory r) {
        r = reportOf(deals[i].id, uint8(deals[i].attempts), full(0));
        uint256 span = block.timestamp - attempts[i][deals[i].attempts].claimedAt;
        if (seed % 4 == 0) r.usage = Usage(uint64(amount), uint64(amount >> 64), uint64(amount >> 128), uint64(seed));
        if (seed % 4 == 1) r.usage = full(amount % (span + 1));
        if (seed % 4 == 2) r.usage = Usage(uint64(amount % (900 * span + 1)), 0, uint64(amount % 3), uint64(span));
        bool falls = worth(i, r.usage) < runOf(i, r.attempt).earned;
        if (falls || seed % 4 == 3) r.usage = Usage(~uint64(0), ~uint64(0), ~uint64(0), ~uint64(0)); // all there can be
    }

    /// @dev The same, but not above the caps of now: a signed report of more is refused.
    function nextSigned(uint256 i, uint256 seed, uint256 amount) private returns (UsageReport memory r) {
        r = nextReport(i, seed, amount);
        Usage memory cap = capOf(i);
        bool within = r.usage.cpuMs <= cap.cpuMs && r.usage.memoryMibS <= cap.memoryMibS;
        if (within && r.usage.egressKib <= cap.egressKib && r.usage.wallS <= cap.wallS) return r;
        SignedReport[] memory one = new SignedReport[](1);
        one[0] = signedBy(runner(i), r, type(uint64).max);
        mustFail(relayer, abi.encodeCall(escrow.relayReports, (one)));
        r.usage = cap;
    }

    /// @dev All that the reserve can have used by now.
    function capOf(uint256 i) private view returns (Usage memory) {
        uint256 span = _least(block.timestamp, deals[i].until) - attempts[i][deals[i].attempts].claimedAt;
        return Usage(
            uint64(span * deals[i].terms.resources.cpuMillis),
            uint64(span * deals[i].terms.resources.memoryMib),
            uint64(span * deals[i].terms.resources.egressKibS),
            uint64(span)
        );
    }

    function signedBy(address who, UsageReport memory report, uint64 deadline)
        private
        view
        returns (SignedReport memory)
    {
        return SignedReport(who, report, deadline, signedReport(keyOf(who), report, deadline));
    }

    // ---- Batches --------------------------------------------------------------------------------------------

    function reportsOf(address who, uint256 seed, uint256 amount)
        private
        view
        returns (UsageReport[] memory reports, uint256 count)
    {
        UsageReport[] memory all = new UsageReport[](MAX_JOBS);
        for (uint256 i = 0; i < deals.length; ++i) {
            if (runner(i) == who && isReportable(i)) all[count++] = nextReport(i, seed >> (8 + i), amount >> i);
        }
        reports = new UsageReport[](count);
        for (uint256 k = 0; k < count; ++k) {
            reports[k] = all[k];
        }
    }

    /// @dev Before and between the good items: a job that is not, an attempt to come, another's run, totals that fell.
    function withBad(UsageReport[] memory good, address who, uint256 seed)
        private
        view
        returns (UsageReport[] memory mixed)
    {
        mixed = new UsageReport[](2 * good.length + 1);
        mixed[0] = reportOf(bytes32(seed), 1, full(1));
        for (uint256 k = 0; k < good.length; ++k) {
            UsageReport memory bad = reportOf(good[k].jobId, good[k].attempt, good[k].usage);
            uint256 i = dealOf(bad.jobId);
            uint256 other = (seed >> k) % deals.length;
            if (seed % 3 == 0) bad.attempt += 1;
            else if (seed % 3 == 1 && runner(other) != who) bad.jobId = deals[other].id;
            else if (runOf(i, bad.attempt).earned != 0) bad.usage = full(0);
            else bad.jobId = ~bad.jobId;
            (mixed[2 * k + 1], mixed[2 * k + 2]) = (bad, good[k]);
        }
    }

    /// @dev What some calls of ours come to; everything is as before afterwards, since they end in a revert.
    function rehearsal(bytes memory call) internal returns (bytes32 result) {
        (, bytes memory reason) = address(this).call(call);
        vm.assertEq(reason.length, 36, "a rehearsal failed");
        assembly ("memory-safe") {
            result := mload(add(reason, 36))
        }
    }

    function rehearse(address who, UsageReport[] memory reports) external {
        UsageReport[] memory one = new UsageReport[](1);
        for (uint256 k = 0; k < reports.length; ++k) {
            one[0] = reports[k];
            vm.prank(who);
            escrow.reportUsage(one);
        }
        revert Rehearsed(outcome(who, reports));
    }

    function outcome(address who, UsageReport[] memory reports) private view returns (bytes32 digest) {
        digest = bytes32(escrow.creditOf(who));
        for (uint256 k = 0; k < reports.length; ++k) {
            uint256 i = dealOf(reports[k].jobId);
            digest = keccak256(abi.encode(digest, runOf(i, reports[k].attempt), jobOf(i)));
        }
    }

    function dealOf(bytes32 id) internal view returns (uint256 i) {
        while (deals[i].id != id) ++i;
    }

    /// @dev Money of all attempts but the current one.
    function pastOf(uint256 i) internal view returns (bytes32 digest) {
        for (uint256 a = 1; a < deals[i].attempts; ++a) {
            Run memory run = runOf(i, a);
            digest = keccak256(abi.encode(digest, run.earned, run.previous, run.released, run.reportedAt, run.state));
        }
    }
}
