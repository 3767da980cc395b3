"""An agent's file of settings is read as a shell and systemd read it, and changed without losing anything."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from chain.errors import Conflict, InvalidInput, NotFound
from cli.agent_env import agent_environ, change_env, changed_text, env_text, read_env, write_new

ODD = {"A": "plain", "B": "two words", "C": 'it\'s $HOME `x` \\ "q"', "D": "", "E_1": "a=b,c=d"}


def test_what_is_written_is_read_again_by_us_and_by_a_shell(tmp_path: Path) -> None:
    path = tmp_path / "agent.env"
    write_new(path, env_text(ODD))
    assert read_env(path) == ODD
    assert path.stat().st_mode & 0o777 == 0o600
    script = f'set -a; . {path}; printf "%s|" "$A" "$B" "$C" "$D" "$E_1"'
    shell = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)
    assert shell.stdout == "".join(f"{value}|" for value in ODD.values())


def test_a_change_leaves_comments_order_and_other_lines_alone() -> None:
    text = "# mine\nA=1\n\n# B=2\nC=3\n"
    assert changed_text(text, {"C": "4", "B": "5"}) == "# mine\nA=1\n\n# B=2\nC=4\nB=5\n"


def test_a_change_replaces_the_file_as_a_whole_and_keeps_it_private(tmp_path: Path) -> None:
    path = tmp_path / "agent.env"
    write_new(path, "A=1\n")
    change_env(path, {"A": "2"})
    assert (read_env(path), path.stat().st_mode & 0o777) == ({"A": "2"}, 0o600)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("line", ["no sense", "a=1", "A='1", "=1"])
def test_a_line_that_cannot_be_read_is_named(line: str, tmp_path: Path) -> None:
    path = tmp_path / "agent.env"
    path.write_text(f"# one\n{line}\n")
    with pytest.raises(InvalidInput, match="Line 2"):
        read_env(path)


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    write_new(tmp_path / "x", "1")
    with pytest.raises(Conflict):
        write_new(tmp_path / "x", "2")
    assert (tmp_path / "x").read_text() == "1"


def test_what_is_set_already_wins_over_the_file_and_without_either_there_is_no_agent(
    tmp_path: Path,
) -> None:
    home = {"DRAAS_HOME": str(tmp_path)}
    with pytest.raises(NotFound, match="no agent"):
        agent_environ(home)
    write_new(tmp_path / "agent.env", "AGENT_PORT=1\nRPC_URL=http://a\n")
    found = agent_environ(home | {"RPC_URL": "http://b"})
    assert (found["AGENT_PORT"], found["RPC_URL"]) == ("1", "http://b")
