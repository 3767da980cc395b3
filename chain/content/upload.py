"""Multipart bodies as `ipfshttpclient` sends them: files, and folders as parts of their own.

The body is spooled first, to disk when it is large, then read part by part; the header with the sender's local path
(Abspath) is dropped unread.
"""

from __future__ import annotations

import tempfile
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import Message
from typing import BinaryIO, cast

from python_multipart import MultipartParser
from python_multipart.exceptions import MultipartParseError

from chain.errors import InvalidInput
from chain.folder import DEFAULT_LIMITS, MIB, PathParts, check_name

FOLDER_TYPE = "application/x-directory"
IN_MEMORY = 8 * MIB  # of an upload; what is larger is spooled to disk
_MAX_HEADERS_BYTES = 16 * 1024


@dataclass(slots=True)
class Part:
    """A file, with its content in `body`, or a folder."""

    path: PathParts  # empty when it has no name
    is_folder: bool
    body: BinaryIO


def read_parts(body: BinaryIO, content_type: str) -> Iterator[Part]:
    """The parts of a body, one after another; each is gone when the next is asked for.

    Raises:
        InvalidInput: not multipart, or hostile names.
    """
    message = Message()
    message["Content-Type"] = content_type
    boundary = message.get_boundary()
    if message.get_content_maintype() != "multipart" or not boundary:
        raise InvalidInput("The body is not multipart.")
    reading = _Reading(boundary)
    while data := body.read(MIB):
        yield from reading.feed(data)
    reading.finish()


@dataclass(slots=True)
class _Reading:
    """The parser's callbacks, turned into finished parts."""

    boundary: str
    done: list[Part] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    name: bytearray = field(default_factory=bytearray)
    value: bytearray = field(default_factory=bytearray)
    content: BinaryIO | None = None
    parser: MultipartParser = field(init=False)

    def __post_init__(self) -> None:
        self.parser = MultipartParser(
            self.boundary,
            {
                "on_part_begin": self._begin,
                "on_header_field": lambda data, start, end: self._add(self.name, data[start:end]),
                "on_header_value": lambda data, start, end: self._add(self.value, data[start:end]),
                "on_header_end": self._header,
                "on_part_data": self._data,
                "on_part_end": self._end,
            },
        )

    def feed(self, data: bytes) -> Iterator[Part]:
        """Read on."""
        try:
            self.parser.write(data)
        except MultipartParseError as error:
            raise InvalidInput(f"The multipart body is malformed: {error}.") from error
        while self.done:
            part = self.done.pop(0)
            yield part
            part.body.close()

    def finish(self) -> None:
        """The body is over."""
        if self.content is not None:
            raise InvalidInput("The multipart body is cut off.")

    def _begin(self) -> None:
        self.headers = {}
        self.content = cast(BinaryIO, tempfile.SpooledTemporaryFile(IN_MEMORY))  # noqa: SIM115

    def _add(self, to: bytearray, data: bytes) -> None:
        to += data
        if len(to) > _MAX_HEADERS_BYTES:
            raise InvalidInput("A part's header is too long.")

    def _header(self) -> None:
        name = self.name.decode("latin-1").lower()
        if name in {"content-disposition", "content-type"}:
            self.headers[name] = self.value.decode("latin-1")
        self.name.clear()
        self.value.clear()

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self.content is not None:
            self.content.write(data[start:end])

    def _end(self) -> None:
        if self.content is None:
            return
        self.content.seek(0)
        is_folder = self.headers.get("content-type", "") == FOLDER_TYPE
        path = _path(self.headers.get("content-disposition", ""))
        self.done.append(Part(path, is_folder, self.content))
        self.content = None


def _path(disposition: str) -> PathParts:
    message = Message()
    message["Content-Disposition"] = disposition
    name = message.get_filename() or ""
    try:
        parts = tuple(
            part for part in urllib.parse.unquote(name, errors="strict").split("/") if part
        )
    except UnicodeDecodeError as error:
        raise InvalidInput("A file's name is not UTF-8.") from error
    if len(parts) > DEFAULT_LIMITS.max_depth + 1:
        raise InvalidInput("A file's path is too deep.")
    for part in parts:
        check_name(part)
    return parts
