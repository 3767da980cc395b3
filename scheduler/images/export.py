"""An image of the Docker Engine taken apart into its configuration and its layers, which go to IPFS while they come.

`docker save` gives a tar of them: each layer's uncompressed tar is named by the Engine, so it is known by its hash.
Engines that keep an image's parts otherwise (the containerd image store) give no file that hashes to its id.
"""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from typing import IO, BinaryIO, cast

import docker
import requests
from docker.errors import DockerException, ImageNotFound
from urllib3.exceptions import HTTPError

from chain.cid import cid_bytes, cid_text
from chain.errors import NotFound, Unavailable
from chain.folder import MIB
from chain.image import MAX_CONFIG_BYTES, digest_of, layers_of
from chain.ipfs_stream import Upload, uploading
from chain.job import Cid, Digest
from chain.unixfs import Format, Link, Put, add_file, add_folder
from scheduler.images.engine import ENGINE_FIX, QUIET_S, new_client

CONFIG_NAME = "config.json"
LARGE = Format(chunk_bytes=MIB)  # fewer blocks, for files that nobody adds but we
_FIX = "Name a registry (DOCKER_REGISTRY), or turn the Engine's containerd image store off."


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer on IPFS.

    Args:
        bytes: of its tar.
        total: of its blocks.
    """

    cid: Cid
    bytes: int
    total: int


@dataclass
class Parts:
    """An image's parts on IPFS, and the folder of them that is pinned."""

    config: bytes = b""
    layers: dict[Digest, Layer] = field(default_factory=dict)
    root: Cid | None = None
    added_bytes: int = 0  # of layers that were not there before


def put_on_ipfs(
    engine: docker.DockerClient, image: Digest, known: Mapping[Digest, Layer], api: str
) -> Parts:
    """Have all parts of an image on an IPFS node. Blocking.

    Args:
        known: those of its layers that the node has as far as we know; they are not put there again.
        api: of the node.

    Raises:
        NotFound: the Engine does not have the image.
        Unavailable: Engine or node does not answer, or the node lacks a known layer.
    """
    wanted, parts = set(layer_names(engine, image)), Parts(layers=dict(known))
    with uploading(api) as upload:
        sizes = {layer.bytes for layer in parts.layers.values()}
        _take(engine, image, wanted, upload.put, parts, sizes)
        if wanted - set(parts.layers):  # one has the size of another: no size is passed over now
            _take(engine, image, wanted, upload.put, parts, set())
        _check(image, wanted, parts)
        parts.root = _pin(upload, parts)
    return parts


def saved(image: Digest) -> Iterator[bytes]:
    """The Engine's archive of an image, as it comes. Blocking.

    Raises:
        Unavailable: the Engine does not answer, or broke off.
    """
    try:
        with closing(new_client(QUIET_S)) as client:
            yield from client.api.get_image(image, chunk_size=MIB)
    except (DockerException, requests.RequestException, HTTPError, OSError) as error:
        raise Unavailable(f"The Docker Engine broke off: {error}", ENGINE_FIX) from None


def layer_names(engine: docker.DockerClient, image: Digest) -> list[Digest]:
    """The layers of an image, as the Engine says.

    Raises:
        NotFound: the Engine does not have the image.
    """
    try:
        return [Digest(name) for name in engine.api.inspect_image(image)["RootFS"]["Layers"]]
    except ImageNotFound:
        raise NotFound(f"The image {image} is not here.", "Post the job again.") from None


def _take(
    engine: docker.DockerClient,
    image: Digest,
    wanted: set[Digest],
    put: Put,
    parts: Parts,
    passed_over: set[int],
) -> None:
    """Read the Engine's archive as far as it is needed.

    Args:
        passed_over: sizes of tars that are not looked at.
    """
    for size, body in _members(engine, image):
        if size <= MAX_CONFIG_BYTES:
            small = body.read(size)
            name = digest_of(small)
            if name == image:
                parts.config = small
            elif name in wanted and name not in parts.layers:
                _add(name, io.BytesIO(small), size, put, parts)
        elif size not in passed_over:
            _add_if_wanted(_Hashed(body), size, wanted, put, parts)
        if parts.config and not wanted - set(parts.layers):
            return


def _add_if_wanted(body: _Hashed, size: int, wanted: set[Digest], put: Put, parts: Parts) -> None:
    """Add a large file, of which only its end shows which layer it is."""
    link = add_file(body, put, LARGE)
    name = body.digest()
    if name in wanted and name not in parts.layers:
        parts.layers[name] = Layer(cid_text(link.cid), size, link.total)
        parts.added_bytes += size


def _add(name: Digest, body: BinaryIO, size: int, put: Put, parts: Parts) -> None:
    link = add_file(body, put, LARGE)
    parts.layers[name] = Layer(cid_text(link.cid), size, link.total)
    parts.added_bytes += size


def _check(image: Digest, wanted: set[Digest], parts: Parts) -> None:
    whole = bool(parts.config) and wanted == set(parts.layers)
    if not whole or wanted != set(layers_of(parts.config, image)):
        raise Unavailable(f"The Engine does not give the parts of {image} by their hashes.", _FIX)


def _pin(upload: Upload, parts: Parts) -> Cid:
    """Make the folder of all parts, and have it kept."""
    upload.flush()
    config = add_file(io.BytesIO(parts.config), upload.put)
    links = [Link(config.cid, config.total, CONFIG_NAME)]
    for name, layer in parts.layers.items():
        links.append(Link(cid_bytes(layer.cid), layer.total, name.removeprefix("sha256:")))
    root = add_folder(links, upload.put)
    upload.pin(root.cid)
    return cid_text(root.cid)


def _members(engine: docker.DockerClient, image: Digest) -> Iterator[tuple[int, IO[bytes]]]:
    """The size and the bytes of each plain file of the Engine's archive."""
    chunks = engine.api.get_image(image, chunk_size=1024 * 1024)
    try:
        with tarfile.open(fileobj=cast(IO[bytes], _Stream(chunks)), mode="r|") as archive:
            for member in archive:
                body = archive.extractfile(member) if member.isreg() else None
                if body is not None:
                    yield member.size, body
    except tarfile.TarError as error:
        raise Unavailable(
            f"The Engine's archive of {image} breaks off: {error}", ENGINE_FIX
        ) from None


class _Hashed:
    """A file that is hashed while it is read."""

    def __init__(self, body: IO[bytes]) -> None:
        self._body = body
        self._hash = hashlib.sha256()

    def read(self, size: int, /) -> bytes:
        """At most so many bytes."""
        data = self._body.read(size)
        self._hash.update(data)
        return data

    def digest(self) -> Digest:
        """Of all that was read."""
        return Digest(f"sha256:{self._hash.hexdigest()}")


class _Stream:
    """Chunks as a file to read from."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._rest = b""
        self._at = 0

    def read(self, size: int) -> bytes:
        """Exactly so many bytes, fewer at the end."""
        parts: list[bytes] = []
        while size > 0:
            if self._at >= len(self._rest):
                self._rest, self._at = next(self._chunks, b""), 0
                if not self._rest:
                    break
            piece = self._rest[self._at : self._at + size]
            self._at += len(piece)
            size -= len(piece)
            parts.append(piece)
        return b"".join(parts)
