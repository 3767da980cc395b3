"""An image reaches another Engine by a real registry, with a log-in or without; what it names is pulled, no other."""

from __future__ import annotations

import secrets
from pathlib import Path

import pytest

from agent.engine.pull import RegistryLogin
from chain.errors import InvalidInput, Unavailable
from chain.job import Digest
from scheduler.images.image import Registry, push_image
from tests.fixtures_chain import free_port
from tests.image_registry import PASSWORD, USERNAME, program, running_registry
from tests.integration.scheduler.delivering import IS_ROOT, TwoEngines

pytestmark = pytest.mark.skipif(
    not (IS_ROOT and program()), reason="an Engine of its own needs root, a registry its program"
)


async def pushed(engines: TwoEngines, registry: Registry) -> tuple[Digest, str]:
    """An image that was pushed, and its name."""
    image = await engines.image("busybox", secrets.token_bytes(100))
    return image, await push_image(image, "atag", registry)


async def test_an_image_is_pulled_by_its_manifests_digest(
    engines: TwoEngines, tmp_path: Path
) -> None:
    with running_registry(tmp_path / "registry", log_in=False) as host:
        image, name = await pushed(engines, Registry("", "", host))
        assert name.startswith(f"{host}/draas/draas-bundle@sha256:")
        assert (await engines.engine.ensure_image(image, name)).digest == image


async def test_a_registry_with_a_log_in_gives_nothing_to_who_has_none(
    engines: TwoEngines, tmp_path: Path
) -> None:
    with running_registry(tmp_path / "registry", log_in=True) as host:
        with pytest.raises(Unavailable, match="did not take"):
            await pushed(engines, Registry(USERNAME, "wrong", host))
        image, name = await pushed(engines, Registry(USERNAME, PASSWORD, host))
        with pytest.raises((InvalidInput, Unavailable)):
            await engines.engine.ensure_image(image, name)
        engines.engine.login_of = RegistryLogin("elsewhere.example", USERNAME, PASSWORD).of
        with pytest.raises((InvalidInput, Unavailable)):
            await engines.engine.ensure_image(image, name)
        engines.engine.login_of = RegistryLogin(host, USERNAME, PASSWORD).of
        assert (await engines.engine.ensure_image(image, name)).digest == image


async def test_a_registry_that_holds_another_image_under_the_name_is_passed_over(
    engines: TwoEngines, tmp_path: Path
) -> None:
    with running_registry(tmp_path / "registry", log_in=False) as host:
        registry = Registry("", "", host)
        wanted, _ = await pushed(engines, registry)
        _, name = await pushed(engines, registry)
        with pytest.raises(InvalidInput, match="not the image of the assignment"):
            await engines.engine.ensure_image(wanted, name)
        agent = engines.agent()
        found = await engines.engine.ensure_image(
            wanted, name, lambda: engines.bring(agent, wanted)
        )
    assert found.digest == wanted
    assert len(engines.travelled) == 1  # the base came with the other one


async def test_a_silent_registry_is_passed_over_and_its_silence_is_no_refusal(
    engines: TwoEngines, busybox: Digest
) -> None:
    image, agent = await engines.image("busybox"), engines.agent()
    name = f"127.0.0.1:{free_port()}/draas/draas-bundle@{busybox}"
    with pytest.raises(Unavailable):  # nobody else has it: it is asked for again later
        await engines.engine.ensure_image(busybox, name, lambda: engines.bring(agent, busybox))
    found = await engines.engine.ensure_image(image, name, lambda: engines.bring(agent, image))
    assert found.digest == image
