"""What an image is made of: its configuration, whose hash is its id, and the layers that this names.

A layer is named by its diff id, the hash of its uncompressed tar. See the OCI image specification ("Image JSON",
"Layer DiffID"). Pure. With the bodies by which a scheduler tells an agent where those are.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import Annotated

from pydantic import Field

from chain.errors import InvalidInput
from chain.job import Digest
from chain.wire import CidText, DigestText, Whole, Wire

MAX_CONFIG_BYTES = 512 * 1024
MAX_LAYERS = 127  # what overlay2 can stack

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_FIX = "Let the scheduler deliver the image again, or use another scheduler."


class LayerBody(Wire):
    """One layer of an image.

    Args:
        diff_id: the sha256 of its tar, which its receiver checks.
        cid: that tar as a file on IPFS.
        bytes: of the tar.
    """

    diff_id: DigestText
    cid: CidText
    bytes: Whole


class ImageBody(Wire):
    """GET /v1/images/{digest}: what an image is made of, and where that is on IPFS.

    Args:
        config: the image's configuration; its sha256 is the image's digest.
        layers: each once, in any order.
    """

    digest: DigestText
    config: Annotated[str, Field(max_length=MAX_CONFIG_BYTES)]
    layers: Annotated[list[LayerBody], Field(max_length=MAX_LAYERS)]


def layers_of(config: bytes, image: Digest) -> list[Digest]:
    """The layers of an image, the lowest first.

    Args:
        config: of which its sender says that it is this image's.

    Raises:
        InvalidInput: it is another image's, or none.
    """
    if len(config) > MAX_CONFIG_BYTES or digest_of(config) != image:
        raise InvalidInput(f"What came as the configuration of {image} is something else.", _FIX)
    try:
        layers = json.loads(config)["rootfs"]["diff_ids"]
    except (ValueError, KeyError, TypeError, RecursionError):
        layers = None
    if not isinstance(layers, list) or not all(map(_is_digest, layers)):
        raise InvalidInput(f"The configuration of {image} names no layers.", _FIX)
    if len(layers) > MAX_LAYERS:
        raise InvalidInput(f"{image} has {len(layers)} layers, more than {MAX_LAYERS}.", _FIX)
    return [Digest(layer) for layer in layers]


def digest_of(data: bytes) -> Digest:
    """The sha256 of something, as images name it."""
    return Digest(f"sha256:{hashlib.sha256(data).hexdigest()}")


def host_of(name: str) -> str:
    """The registry that an image's name names, as the Engine tells one; "" for Docker Hub."""
    first, slash, _ = name.partition("/")
    return first if slash and (set(first) & set(".:") or first == "localhost") else ""


def _is_digest(value: object) -> bool:
    return isinstance(value, str) and _DIGEST.fullmatch(value) is not None
