"""An Engine's archive of an image (`docker save`) taken apart: only what its hash names is kept, whatever the archive
calls it. Loading such an archive as it is would let its sender name images on this machine.
"""

from __future__ import annotations

import hashlib
import io
import tarfile
from pathlib import Path
from typing import IO, BinaryIO

from chain.errors import InvalidInput, Unavailable
from chain.folder import MIB
from chain.image import MAX_CONFIG_BYTES, MAX_LAYERS, digest_of
from chain.job import Digest

MOST_MEMBERS = 8 * MAX_LAYERS


def unpack_saved(archive: Path, image: Digest) -> tuple[bytes, dict[Digest, Path]]:
    """The image's configuration, and every file of the archive by its hash; they lie beside it. Blocking.

    Raises:
        InvalidInput: the configuration is not in it, or it is no archive of an image.
        Unavailable: it was cut off.
    """
    config, files = b"", dict[Digest, Path]()
    try:
        with archive.open("rb") as file, tarfile.open(fileobj=_Small(file), mode="r:") as tar:
            for number, member in enumerate(tar):
                if number >= MOST_MEMBERS:
                    raise InvalidInput("What came as an image has too many parts.")
                plain = member.isreg() and not member.issparse()  # a sparse one has no end
                body = tar.extractfile(member) if plain else None
                if body is None:
                    continue
                name, path = _kept(body, archive.parent)
                files[name] = path
                if name == image and member.size <= MAX_CONFIG_BYTES:
                    config = path.read_bytes()
    except (tarfile.TarError, EOFError) as error:
        raise Unavailable(f"What came as an image cannot be read: {error}.", "Try again.") from None
    if digest_of(config) != image:
        raise InvalidInput(f"What came for {image} is another image.")
    return config, files


class _Small(io.RawIOBase):
    """A file of which no more is read at once than a tar's own parts need: a header may claim any size."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def read(self, size: int = -1, /) -> bytes:
        if not 0 <= size <= MIB:
            raise tarfile.ReadError("a part is too large")
        return self._file.read(size)

    def seek(self, to: int, whence: int = io.SEEK_SET, /) -> int:
        return self._file.seek(to, whence)

    def tell(self) -> int:
        return self._file.tell()


def _kept(body: IO[bytes], folder: Path) -> tuple[Digest, Path]:
    """A file of what is read, named by its hash."""
    part, digest = folder / "piece", hashlib.sha256()
    with part.open("wb") as file:
        while piece := body.read(MIB):
            digest.update(piece)
            file.write(piece)
    path = part.rename(folder / digest.hexdigest())
    return Digest(f"sha256:{digest.hexdigest()}"), path
