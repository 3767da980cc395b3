"""The front end as a part of `draas up`: where it listens, and whose pages the scheduler takes."""

from __future__ import annotations

from pathlib import Path

import pytest

from chain.job import Address
from cli import frontend
from cli.frontend import frontend_part, frontend_port, origins_of, why_not

ESCROW = Address("0x" + "11" * 20)


def test_a_port_that_is_asked_for_is_taken_and_else_the_first_that_is_free(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(frontend, "is_free", lambda port: port > 3001)
    monkeypatch.setattr(frontend, "free_ports", lambda: 40_000)
    assert frontend_port(3001) == 3001
    assert frontend_port(None) == 3002
    assert frontend_port(0) == 40_000


def test_the_scheduler_takes_the_pages_under_both_names_and_those_that_were_named_before() -> None:
    ours = "http://localhost:3000,http://127.0.0.1:3000"
    assert origins_of(3000, {}) == ours
    assert origins_of(3000, {"ALLOWED_ORIGINS": "https://a.example"}) == f"{ours},https://a.example"


def test_page_and_scheduler_are_of_one_site(tmp_path: Path) -> None:
    part = frontend_part(3001, tmp_path, ESCROW, 1337, "http://127.0.0.1:8545", 5000)
    assert part.url == "http://localhost:3001"
    assert part.env["SCHEDULER_URL"] == "http://localhost:5000"
    assert part.env["NEXT_PUBLIC_CONTRACT_ADDRESS"] == ESCROW
    assert part.env["NEXT_PUBLIC_NETWORK_ID"] == "1337"
    assert part.env["NEXT_PUBLIC_RPC_URL"] == "http://127.0.0.1:8545"


def test_what_is_not_built_is_told_with_the_way_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frontend, "BUILT", tmp_path / "server.js")
    assert "scripts/setup.sh frontend" in why_not()
    (tmp_path / "server.js").touch()
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "Node" in why_not()
    (tmp_path / "node").write_text("")
    (tmp_path / "node").chmod(0o755)
    assert why_not() == ""
