"""Layers that an Engine has, and an image loaded of its parts: of layers that are there already only the name is sent.

`docker load` keeps a layer by the chain of all below it and looks at the archive only for those that it does not
know (moby, image/tarexport/load.go). It checks each layer against the image's configuration by itself.
"""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import docker
from docker.errors import ImageNotFound

from agent.engine.call import EngineRefused
from chain.folder import MIB
from chain.job import Digest

REPOSITORY = "draas/image"  # what is loaded is called so: without a name it is easily pruned
_BLOCK = tarfile.BLOCKSIZE


def layers_here(api: docker.APIClient, wanted: Sequence[Digest]) -> int:
    """How many of an image's layers, from the lowest, some image of the Engine has too. Blocking."""
    most = 0
    for one in api.images(all=True):
        try:
            layers = api.inspect_image(one["Id"])["RootFS"].get("Layers") or []
        except ImageNotFound:
            continue  # removed meanwhile
        same = 0
        for ours, theirs in zip(wanted, layers, strict=False):
            if ours != theirs:
                break
            same += 1
        most = max(most, same)
    return most


def load(
    api: docker.APIClient,
    image: Digest,
    config: bytes,
    layers: Sequence[Digest],
    files: Mapping[Digest, Path],
) -> None:
    """Have the Engine make an image. Blocking.

    Args:
        layers: of the image, the lowest first.
        files: the tars of those that the Engine does not have.

    Raises:
        EngineRefused: it does not fit together.
    """
    for told in api.load_image(
        data=_archive(image, config, layers, files),
        quiet=False,  # or a long one would say nothing for too long
    ):
        if "error" in told:
            raise EngineRefused(500, str(told["error"])[:500])


def _archive(
    image: Digest, config: bytes, layers: Sequence[Digest], files: Mapping[Digest, Path]
) -> Iterator[bytes]:
    """What `docker save` would give, without the layers that are not in `files`."""
    name = image.removeprefix("sha256:")
    manifest = {
        "Config": f"{name}.json",
        "RepoTags": [f"{REPOSITORY}:{name[:40]}"],
        "Layers": [_path_of(layer) for layer in layers],
    }
    yield from _member(f"{name}.json", config)
    for layer, path in files.items():
        with path.open("rb") as file:
            yield _header(_path_of(layer), size := path.stat().st_size)
            while piece := file.read(MIB):
                yield piece
        yield _padding(size)
    yield from _member("manifest.json", json.dumps([manifest]).encode())
    yield bytes(2 * _BLOCK)


def _path_of(layer: Digest) -> str:
    return f"{layer.removeprefix('sha256:')}/layer.tar"


def _member(name: str, data: bytes) -> Iterator[bytes]:
    yield _header(name, len(data))
    yield data
    yield _padding(len(data))


def _header(name: str, size: int) -> bytes:
    entry = tarfile.TarInfo(name)
    entry.size = size
    return entry.tobuf(tarfile.GNU_FORMAT)


def _padding(size: int) -> bytes:
    return bytes(-size % _BLOCK)
