"""The scripts of jurors, and the one that keeps the court going: a whole case, from the stake to the ruling."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from brownie import web3

from scripts import (
    ballots,
    court_advance,
    juror_commit,
    juror_fees,
    juror_reveal,
    juror_stake,
    juror_unstake,
)
from tests.contracts.market import (
    ENDED,
    FEE,
    HELD,
    RULING_TIME,
    SEAT_STAKE,
    SPAN,
    Market,
    later,
    price,
    says_no,
)

Act = Callable[[Any], None]
COMMITTING, APPEALABLE, EXECUTED = 2, 5, 7


def test_a_whole_case_is_judged_by_scripts(
    market: Market, act: Act, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, job, number = market.disputed()
    act(market.stranger)
    court_advance.main()
    assert market.court.phaseOf(number)[0] == COMMITTING
    with says_no("open to commitments until"):
        court_advance.main()
    panel = market.panel(number)
    for juror, share in zip(panel, ("2500", "3000", "2000"), strict=True):
        act(juror)
        juror_commit.main(str(number), share)
    for juror in panel:
        act(juror)
        juror_reveal.main(str(number))
    told = capsys.readouterr().out
    for path in tmp_path.rglob("*.json"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        assert json.loads(path.read_text())["salt"] not in told
    assert len(list(tmp_path.rglob("*.json"))) == 3
    court_advance.main()
    assert market.court.phaseOf(number)[0] == APPEALABLE
    with says_no("open to appeal until"):
        court_advance.main()
    later(SPAN)
    court_advance.main()
    assert market.court.phaseOf(number)[0] == EXECUTED
    assert market.escrow.stateOf(job) == ENDED
    assert market.escrow.earnedOf(job, 1, market.provider)[0] == price(25)
    with says_no("There are no open cases"):
        court_advance.main()
    act(panel[0])
    before = panel[0].balance()
    juror_fees.main()
    assert panel[0].balance() > before + FEE // 2
    with says_no("earned no fees"):
        juror_fees.main()


def test_a_juror_stakes_and_takes_out_what_is_free(market: Market, act: Act) -> None:
    juror, court, token = market.stranger, market.court, market.token
    act(juror)
    with says_no("nothing free"):
        juror_unstake.main()
    with says_no(f"needs {SEAT_STAKE}"):
        juror_stake.main(str(SEAT_STAKE - 1))
    with says_no("are needed"):
        juror_stake.main(str(HELD + 1))
    juror_stake.main(str(3 * SEAT_STAKE))
    assert court.jurors(juror)[0] == 3 * SEAT_STAKE
    with says_no(f"Take out {3 * SEAT_STAKE} or less"):
        juror_unstake.main(str(3 * SEAT_STAKE + 1))
    juror_unstake.main(str(SEAT_STAKE))
    juror_unstake.main()
    assert token.balanceOf(juror) == HELD


def test_stakes_wait_for_a_draw_and_for_the_case(market: Market, act: Act) -> None:
    _, _, number = market.disputed()
    act(market.jurors[0])
    with says_no("about to be drawn"):
        juror_stake.main("5000")
    with says_no("about to be drawn"):
        juror_unstake.main()
    court_advance.main()
    seated = market.panel(number)[0]
    act(seated)
    with says_no(f"Of {2 * SEAT_STAKE} staked, {SEAT_STAKE} is locked"):
        juror_unstake.main(str(2 * SEAT_STAKE))


def test_only_seated_jurors_vote_and_only_in_time(market: Market, act: Act) -> None:
    _, _, number = market.disputed()
    act(market.jurors[0])
    with says_no("to be drawn"):
        juror_commit.main(str(number), "5000")
    with says_no("does not exist"):
        juror_commit.main("77", "5000")
    market.draw()
    panel = market.panel(number)
    (spare, *_) = (juror for juror in market.jurors if juror not in panel)
    act(spare)
    with says_no("was not drawn"):
        juror_commit.main(str(number), "5000")
    act(panel[0])
    with says_no("open to commitments"):
        juror_reveal.main(str(number))
    juror_commit.main(str(number), "5000")
    act(panel[1])
    later(SPAN)
    with says_no("open to reveals"):
        juror_commit.main(str(number), "5000")
    with says_no("has not committed"):
        juror_reveal.main(str(number))


def test_the_last_vote_counts_and_is_the_one_revealed(market: Market, act: Act) -> None:
    _, _, number = market.disputed()
    market.draw()
    juror, silent, _ = market.panel(number)
    act(juror)
    juror_commit.main(str(number), "1000")
    juror_commit.main(str(number), "9000")
    market.commit(number, silent, 5000)
    later(SPAN)
    juror_reveal.main(str(number))
    assert market.court.vote(number, 1, juror)[2] == 9000
    with says_no("revealed its vote already"):
        juror_reveal.main(str(number))


def test_a_vote_that_is_not_there_or_cannot_be_read_is_said(
    market: Market, act: Act, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, _, number = market.disputed()
    market.draw()
    juror = market.panel(number)[0]
    act(juror)
    (tmp_path / "file").touch()
    monkeypatch.setenv("DRAAS_HOME", str(tmp_path / "file"))
    with says_no("cannot be kept"):
        juror_commit.main(str(number), "1000")
    monkeypatch.setenv("DRAAS_HOME", str(tmp_path))
    juror_commit.main(str(number), "1000")
    later(SPAN)
    monkeypatch.setenv("DRAAS_HOME", str(tmp_path / "elsewhere"))
    with says_no("Set DRAAS_HOME to the folder"):
        juror_reveal.main(str(number))
    monkeypatch.setenv("DRAAS_HOME", str(tmp_path))
    (path,) = tmp_path.rglob("*.json")
    kept = path.read_text()
    path.write_text("{")
    with says_no("cannot be read"):
        juror_reveal.main(str(number))
    path.write_text(kept)
    juror_reveal.main(str(number))


def test_a_commitment_is_what_the_court_says_it_is(market: Market, act: Act) -> None:
    juror, salt = market.jurors[0], "5a" * 32
    where = (int(web3.eth.chain_id), market.court.address, 3, 2, juror.address)
    commitment = ballots.Ballot(*where, 2500, salt).commitment()
    assert commitment == str(market.court.commitmentOf(3, 2, juror, 2500, "0x" + salt))


def test_a_ruling_that_comes_too_late_is_left_to_the_default(
    market: Market, act: Act, capsys: pytest.CaptureFixture[str]
) -> None:
    _, _, number = market.disputed()
    market.judge(number, 0, 0, 0)
    later(RULING_TIME + 1)
    act(market.stranger)
    with says_no("waits to be executed"):
        court_advance.main()
    told = capsys.readouterr().out
    assert "RulingTooLate" in told
    assert "rule_by_default" in told


def test_a_silent_panel_is_drawn_anew_and_then_refuses_to_rule(market: Market, act: Act) -> None:
    _, job, _ = market.disputed()
    act(market.stranger)
    court_advance.main()
    later(2 * SPAN)
    court_advance.main()  # tallies the first panel
    court_advance.main()  # draws the second
    later(2 * SPAN)
    court_advance.main()
    later(SPAN)
    court_advance.main()
    assert market.escrow.earnedOf(job, 1, market.provider)[0] == price(50)
