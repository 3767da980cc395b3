"""One bundle made into an image: fetched, checked, its manifest read, built, pushed where one pushes."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from chain import ipfs
from chain.errors import InvalidInput
from chain.folder import Limits
from chain.job import ZERO_ADDRESS, Address, Cid, Digest
from chain.manifest import Manifest
from chain.manifests.folder import manifest_of
from chain.recipes.recognise import dockerfile_of
from chain.trace import span
from scheduler.images.bases import pinned, pull_bases
from scheduler.images.build_log import BuildLog
from scheduler.images.dockerfile import base_images, check_dockerfile, labelled
from scheduler.images.image import DOCKERFILE, build_image, push_image
from scheduler.images.limits import STEP_LABEL
from scheduler.images.private import Opener
from scheduler.settings import Settings

BUNDLE_LABEL = "draas.bundle"  # of the image that was built: its CID
CONSUMER_LABEL = "draas.consumer"  # of all that a build makes: in whose cache it is


@dataclass(frozen=True, slots=True)
class Recipe:
    """How bundles are built here.

    Args:
        building: told when a bundle is fetched and its build begins.
        opener: of private bundles.
        private: told whose bundle it is, when it is a private one.
        consumer: in whose cache it is built.
    """

    settings: Settings
    api: str
    building: Callable[[], None]
    opener: Opener
    private: Callable[[Address], None]
    consumer: Address = ZERO_ADDRESS


@dataclass(frozen=True, slots=True)
class Made:
    """An image, where it can be pulled from ("" for nowhere), and the bundle's manifest."""

    digest: Digest
    name: str
    manifest: Manifest


async def make_image(cid: Cid, recipe: Recipe, log: BuildLog) -> Made:
    """Fetch and build.

    Raises:
        InvalidInput, BuildFailed: a definite answer: this bundle cannot be built.
        NotFound: nobody had all of the bundle in time.
        Unavailable: IPFS, the Engine or the registry did not answer.
    """
    settings = recipe.settings
    with ExitStack() as stack:
        scratch = stack.enter_context(tempfile.TemporaryDirectory(prefix="draas-build-"))
        folder = Path(scratch) / "bundle"
        log.add(f"Fetching {cid}\n")
        limits = Limits(max_bytes=settings.max_bundle_bytes)
        with span("fetch"):
            await ipfs.fetch_folder(
                recipe.api, cid, folder, limits=limits, deadline_s=settings.fetch_s
            )
        folder, owner = await recipe.opener.open(folder, limits, stack)
        if owner is not None:
            recipe.private(owner)
        consumer = owner or recipe.consumer
        found = await asyncio.to_thread(manifest_of, folder)
        log.add("".join(f"{note}\n" for note in found.notes))
        manifest = found.manifest
        allowed = settings.build.bases
        bases = await asyncio.to_thread(
            prepare_dockerfile, folder, manifest, settings.bases, consumer, allowed, cid
        )
        recipe.building()
        await pull_bases(bases, log, settings.build.image_mib)
        with span("build"):
            step = f"{CONSUMER_LABEL}={consumer}"
            digest = await build_image(folder, tag_of(cid), {}, settings.build, log, step)
    # A registry may be anybody's to read: what is private is not pushed.
    name = await _push(cid, digest, settings) if owner is None else ""
    return Made(digest, name, manifest)


def tag_of(cid: Cid) -> str:
    """The image's name on this scheduler's Engine."""
    return f"draas/bundle:{cid[-40:]}"


async def _push(cid: Cid, digest: Digest, settings: Settings) -> str:
    registry = settings.registry
    if registry is None:
        return ""
    return await push_image(digest, cid[-40:], registry)


def prepare_dockerfile(
    folder: Path,
    manifest: Manifest,
    bases: Mapping[str, str],
    consumer: Address = ZERO_ADDRESS,
    allowed: Sequence[str] = (),
    cid: str = "",
) -> list[str]:
    """Check the bundle's Dockerfile, or the one that is written for it, and put it where the build reads it; returns
    the base images it starts from.

    Args:
        bases: base images by language, in place of the defaults.
        consumer: in whose cache it is built.
        allowed: base images that may be started from; any when it is empty.
        cid: the bundle's, of which the image bears a label; none when it is empty.

    Raises:
        InvalidInput: it may not be built here, or there is nothing to build.
    """
    text, _ = dockerfile_of(folder, manifest, bases)
    check_dockerfile(text)
    starts = {base: pinned(base, allowed) for base in base_images(text)}
    labels = {STEP_LABEL: "1", CONSUMER_LABEL: consumer}
    last = f"LABEL {BUNDLE_LABEL}={cid} {STEP_LABEL}=\n" if cid else ""
    if (folder / DOCKERFILE).is_dir():
        raise InvalidInput(f"The bundle has a folder called {DOCKERFILE}.", "Rename it.")
    (folder / DOCKERFILE).write_text(labelled(text, labels, starts) + last)
    return list(starts.values())
