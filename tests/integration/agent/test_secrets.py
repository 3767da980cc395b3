"""Secrets in a container, under each runtime: files in memory for its user alone, variables where asked, hidden in
what it prints, and gone with it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from agent.container.container import RunContainer
from agent.container.runtime import RuntimeName
from chain.job import Digest
from chain.manifest import Manifest, parse_manifest
from tests.integration.agent.conftest import Bench

Texts = Callable[[RunContainer], list[str]]
VALUES = {"FILE": b"a-planted/file", "SEEN": b"a-planted/variable"}
LOOKS = (
    "stat -c '%a %u %g' /run/secrets/FILE; (echo x >/run/secrets/FILE) 2>/dev/null || echo kept; "
    "grep -c ' /run/secrets ' /proc/mounts; cat /run/secrets/FILE; echo; echo \"[$SEEN][$FILE]\""
)


def a_job(script: str, runtime: str) -> Manifest:
    return parse_manifest(
        f"command: [sh, -c, {script!r}]\nruntime: {runtime}\n"
        "resources: {cpus: 1, memory: 64M}\nsecrets: [FILE, {name: SEEN, env: true}]\n".replace(
            "\\'", "''"
        )
    )


def mounts() -> str:
    return Path("/proc/mounts").read_text()


async def started(bench: Bench, manifest: Manifest, image: Digest) -> tuple[RunContainer, str]:
    run = await bench.run(manifest)
    assert run.secrets.lacks
    run.secrets.keep(VALUES)
    container_id = await run.create(await bench.engine.ensure_image(image, ""))
    bench.made[-1][1].append(container_id)
    assert await run.start(container_id) == ""
    run.follow(container_id)
    return run, container_id


async def test_the_program_has_them_and_nobody_sees_them(
    bench: Bench, busybox: Digest, texts: Texts, runtime: RuntimeName
) -> None:
    bench.runtime = runtime
    run, container_id = await started(bench, a_job(LOOKS, runtime), busybox)
    exit_ = await bench.end(run, container_id)
    assert exit_.code == 0
    assert texts(run) == ["400 65534 65534", "kept", "1", "***", "[***][]"]
    told = await bench.engine.ask(lambda api: api.inspect_container(container_id))
    assert "planted" not in str([told["Config"][key] for key in ("Labels", "Cmd", "Entrypoint")])
    space = run.folder / "secrets"
    assert f" {space} tmpfs " in mounts()
    assert (space / "FILE").read_bytes() == VALUES["FILE"]
    await run.clean(container_id)
    assert str(space) not in mounts()
    for place, _, names in os.walk(run.folder):
        for name in names:
            assert b"planted" not in (Path(place) / name).read_bytes()


async def test_after_a_restart_of_the_agent_it_is_still_known_what_to_hide(
    bench: Bench, busybox: Digest, texts: Texts
) -> None:
    bench.runtime = "runc"
    run, container_id = await started(
        bench, a_job("sleep 1; cat /run/secrets/FILE; echo", "runc"), busybox
    )
    await run.close()
    again = await bench.run(run._manifest, run._key)
    assert not again.secrets.lacks
    again.follow(container_id)
    assert (await bench.end(again, container_id)).code == 0
    assert texts(again) == ["***"]


async def test_where_they_are_gone_what_was_printed_is_not_read(
    bench: Bench, busybox: Digest, texts: Texts
) -> None:
    bench.runtime = "runc"
    run, container_id = await started(bench, a_job("cat /run/secrets/FILE; echo", "runc"), busybox)
    await run.close()
    run.secrets.remove()  # as a reboot does
    again = await bench.run(run._manifest, run._key)
    again.follow(container_id)
    await bench.end(again, container_id)
    assert "planted" not in "".join(texts(again))
    assert "not kept" in texts(again)[-1]


@pytest.mark.parametrize("value", [b"\xff\xfe", b"a\0b"])
async def test_what_cannot_be_a_variable_is_refused(
    bench: Bench, busybox: Digest, value: bytes
) -> None:
    run = await bench.run(a_job("true", "runc"))
    run.secrets.keep(VALUES | {"SEEN": value})
    with pytest.raises(Exception, match="no variable's value"):
        await run.create(await bench.engine.ensure_image(busybox, ""))
