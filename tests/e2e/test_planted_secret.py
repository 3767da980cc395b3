"""A secret is planted in a market, printed by the program that was given it in every way it can, and then looked for
wherever something is written or told: it is nowhere."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import docker
import psutil
import pytest

from tests.e2e.folders import a_script
from tests.e2e.market import Answer, Command, Consumer, TestMarket

FILE, VARIABLE = "FILE_KEY", "ENV_KEY"
SCRIPT = f"""
# MARK
sha256sum /run/secrets/{FILE} | cut -d' ' -f1
printf %s "${VARIABLE}" | sha256sum | cut -d' ' -f1
stat -c '%a %u' /run/secrets/{FILE}
cat /run/secrets/{FILE}; echo
echo "it is ${VARIABLE}." >&2
cat /run/secrets/{FILE} | base64
head -c 16370 /dev/zero | tr '\\0' x; cat /run/secrets/{FILE}; echo
echo x > /run/secrets/other || echo read-only
sleep 5
"""


def planted() -> str:
    """With characters that are written otherwise in a URL."""
    return f"planted/{secrets.token_hex(12)}+?&="


def spellings(value: str) -> list[bytes]:
    return [
        value.encode(),
        base64.b64encode(value.encode()),
        base64.b64encode(value.encode()).rstrip(b"="),
        quote(value, safe="").encode(),
        value.encode().hex().encode(),
    ]


def found_in(place: Iterable[bytes], wanted: list[bytes]) -> bool:
    """Whether a stream has any of these, also where two pieces of it meet."""
    before = b""
    for piece in place:
        both = before + piece
        if any(one in both for one in wanted):
            return True
        before = both[-1024:]
    return False


def pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            yield piece


def files_with(home: Path, wanted: list[bytes]) -> list[str]:
    """Every file under a folder, whatever part of the market has written it."""
    found = []
    for place, _, names in os.walk(home):
        for path in (Path(place) / name for name in names):
            if path.is_file() and found_in(pieces(path), wanted):
                found.append(str(path.relative_to(home)))
    return found


def on_chain(market: TestMarket) -> Iterator[bytes]:
    """All that was ever sent and logged."""
    for number in range(market.w3.eth.block_number + 1):
        block: Any = market.w3.eth.get_block(number, full_transactions=True)
        yield from (bytes(one["input"]) for one in block["transactions"])
    for one in market.w3.eth.get_logs({"fromBlock": 0, "toBlock": "latest"}):
        yield bytes(one["data"])


def command_lines() -> Iterator[bytes]:
    for process in psutil.process_iter():
        try:
            yield "\0".join(process.cmdline()).encode(errors="replace")
        except psutil.Error:
            continue


def containers_of(engine: docker.DockerClient, job: str) -> list[Any]:
    return list(engine.containers.list(all=True, filters={"label": f"draas.job={job}"}))


@dataclass
class Planted:
    """A deployment with two secrets, under way."""

    consumer: Consumer
    command: Command
    values: dict[str, str]
    mark: str  # a word of the bundle that is no secret

    @property
    def wanted(self) -> list[bytes]:
        """What must be nowhere."""
        return [form for value in self.values.values() for form in spellings(value)]


def plant(market: TestMarket, place: Path, *options: str) -> Planted:
    values = {FILE: planted(), VARIABLE: planted()}
    mark = f"a-word-{secrets.token_hex(8)}-that-is-no-secret"
    file = place.parent / f"{place.name}-secret"
    file.write_text(values[FILE])
    named = f"[{FILE}, {{name: {VARIABLE}, env: true}}]"
    folder = a_script(place, SCRIPT.replace("MARK", mark), secrets=named)
    given = ("--secret", f"{FILE}=@{file}", "--secret", VARIABLE, *options)
    consumer, environ = market.consumer(), {VARIABLE: values[VARIABLE]}
    command = consumer.start("deploy", folder, "--json", *given, **environ)
    return Planted(consumer, command, values, mark)


@pytest.mark.parametrize("bundle", ["open", "private"])
def test_a_planted_secret_is_nowhere_but_in_its_container(
    market: TestMarket, tmp_path: Path, bundle: str
) -> None:
    one = plant(market, tmp_path / bundle, *(["--private"] if bundle == "private" else []))
    wanted, engine = one.wanted, docker.from_env()
    job = market.until("it is posted", one.consumer.jobs)[0]
    container = market.until("it has a container", lambda: containers_of(engine, job), 120)[0]
    told = container.attrs
    shown = {key: told["Config"][key] for key in ("Labels", "Cmd", "Entrypoint", "Healthcheck")}
    assert not found_in([json.dumps(shown | {"Args": told["Args"]}).encode()], wanted)
    market.until("it prints", lambda: files_with(market.home / "local", [checked(one)]), 60)
    assert not found_in(command_lines(), wanted)
    answer = one.command.finish()
    assert answer.code == 0, answer.err + market.logs()
    it_was_given(one, answer)
    market.until("the container is gone", lambda: not containers_of(engine, job))
    image = market.get(f"/v1/deployments/{job}").json()["runs"][0]["image"]
    assert not found_in(engine.images.get(image).save(), wanted)
    engine.close()
    assert not found_in(on_chain(market), wanted)
    assert not found_in([answer.out.encode(), answer.err.encode()], wanted)
    err = market.home.parent / f"{market.home.name}.err"
    assert not found_in(pieces(err), wanted)
    assert files_with(market.home, wanted) == []
    assert f"{job}-1/secrets" not in Path("/proc/mounts").read_text()
    in_stores = [name for name in files_with(market.home, [one.mark.encode()]) if "store" in name]
    assert bool(in_stores) is (bundle == "open")  # the search finds what nobody hides


def checked(one: Planted) -> bytes:
    """What the program prints of its variable, that tells nothing of it."""
    return hashlib.sha256(one.values[VARIABLE].encode()).hexdigest().encode()


def it_was_given(one: Planted, answer: Answer) -> None:
    """The program had its secrets, and what it printed of them is hidden, also over the end of a piece."""
    file = hashlib.sha256(one.values[FILE].encode()).hexdigest()
    log = answer.log
    assert log[:3] == [file, checked(one).decode(), "400 1000"]
    for line in ("***", "it is ***.", "read-only"):
        assert line in log
    assert sum("***" in line for line in log) >= 4
