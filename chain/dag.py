"""A DAG of checked blocks read as files and folders, from its root and within limits."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from chain.cid import CidBytes, Codec, codec_of
from chain.errors import InvalidInput, TooLarge
from chain.folder import FolderWriter, Limits, PathParts, shown
from chain.unixfs import DIRECTORY, FILE, Node, decode

GetBlock = Callable[[CidBytes], bytes]

_MAX_FILE_DEPTH = 8  # 174 links each: more than a petabyte


class Walk:
    """Reads a DAG from its root, never more blocks than the limits allow."""

    def __init__(self, get: GetBlock, limits: Limits) -> None:
        self._get = get
        self._limits = limits
        self._left = limits.max_blocks

    def node(self, cid: CidBytes) -> Node:
        """A block as UnixFS.

        Raises:
            InvalidInput: not UnixFS.
            TooLarge: too many blocks.
        """
        self._left -= 1
        if self._left < 0:
            raise TooLarge(f"More than {self._limits.max_blocks} blocks.", "Use fewer files.")
        block = self._get(cid)
        if codec_of(cid) is Codec.RAW:
            return Node(FILE, (), block, len(block), ())
        return decode(block)

    def file(self, node: Node, depth: int = 0) -> Iterator[bytes]:
        """A file's bytes.

        Raises:
            InvalidInput: a folder in it, or sizes that do not add up.
        """
        if node.kind == DIRECTORY or depth > _MAX_FILE_DEPTH:
            raise InvalidInput("The content is not a file.", "Name the CID of a file.")
        if len(node.sizes) != len(node.links) or node.size != len(node.data) + sum(node.sizes):
            raise InvalidInput("A file's sizes do not add up.", "Add the content again.")
        if node.data:
            yield node.data
        for link, size in zip(node.links, node.sizes, strict=True):
            below = self.node(link.cid)
            if below.size != size:
                raise InvalidInput("A file's sizes do not add up.", "Add the content again.")
            yield from self.file(below, depth + 1)

    def folder(self, node: Node, writer: FolderWriter, path: PathParts = ()) -> None:
        """Write what is in a folder.

        Raises:
            InvalidInput: hostile names, or not a folder.
            TooLarge: over a limit.
        """
        if node.kind != DIRECTORY:
            raise InvalidInput(
                f"{shown(path) or 'The content'} is a file, not a folder.", "Name a folder's CID."
            )
        for link in node.links:
            inside, below = (*path, link.name), self.node(link.cid)
            if below.kind == DIRECTORY:
                writer.folder(inside)
                self.folder(below, writer, inside)
            else:
                writer.file(inside, self.file(below))
