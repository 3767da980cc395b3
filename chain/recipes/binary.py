"""A program that is built already: the one ELF file at the top, in an image with nothing else when it is static."""

from __future__ import annotations

import struct

from chain.recipes.source import APP, USER, Source, dockerfile, words

_ELF = b"\x7fELF"
_INTERPRETER = 3  # PT_INTERP: the program asks for a dynamic linker
HEADER_BYTES = 4096


def recognises(source: Source) -> bool:
    """Whether there is exactly one program."""
    return len(_programs(source)) == 1


def recipe(source: Source) -> str:
    """Its Dockerfile."""
    (name,) = _programs(source)
    static = not is_dynamic(source.read(name)[:HEADER_BYTES])
    return dockerfile(
        "FROM scratch" if static else f"FROM {source.bases['binary']}",
        f"COPY . {APP}",
        f"WORKDIR {APP}",
        f"USER {USER}",
        f"CMD {words([f'{APP}/{name}'])}",
    )


def _programs(source: Source) -> list[str]:
    return [name for name in sorted(source.names) if source.read(name)[:4] == _ELF]


def is_dynamic(head: bytes) -> bool:
    """Whether a 64-bit little-endian ELF file asks for a dynamic linker (ELF-64 Object File Format); any other kind of
    file counts as one that does.

    Args:
        head: its beginning, with the program headers.
    """
    if len(head) < 64 or head[:6] != _ELF + b"\x02\x01":
        return True
    offset, size, count = (
        struct.unpack_from("<Q", head, 32)[0],
        *struct.unpack_from("<HH", head, 54),
    )
    for number in range(count):
        at = offset + number * size
        if at + 4 > len(head):
            return True
        if struct.unpack_from("<I", head, at)[0] == _INTERPRETER:
            return True
    return False
