"""The file of a run's usage ledger (`chain/ledger.py`): written while the run is metered, read again when the agent
starts, and evidence afterwards."""

from __future__ import annotations

import os
from pathlib import Path

from chain.ledger import (
    GENESIS,
    Line,
    ReportLine,
    RunLine,
    StartLine,
    Totals,
    encode,
    head_of,
    read_entries,
)


class Ledger:
    """An open ledger. Opening reads and checks it; a line that was cut off by a crash is dropped.

    Args:
        path: the file; made when it is not there.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.totals = Totals()
        self.run: RunLine | None = None
        self.start: StartLine | None = None
        self.starts = 0
        self.reported: ReportLine | None = None  # when the last line is a report
        self.head = GENESIS  # hash of the last line: it stands for the whole ledger
        good = self._read(path.read_bytes() if path.exists() else b"")
        self._file = path.open("ab")
        if path.stat().st_size > good:
            self._set_aside(good)

    def _read(self, data: bytes) -> int:
        """Take in what is written; how many bytes of it are good."""
        good = 0
        for entry in read_entries(data):
            self._note(entry.line)
            self.head, good = entry.head, entry.ends
        return good

    def append(self, *lines: Line) -> None:
        """Write lines, and be sure that they are on the disk.

        Raises:
            ValueError: a total would fall.
        """
        written, head, totals = b"", self.head, self.totals
        for line in lines:
            if isinstance(line, Totals):
                if line.falls_below(totals):
                    raise ValueError("usage cannot fall")
                totals = line
            encoded = encode(line, head)
            written, head = written + encoded, head_of(encoded)
        self._file.write(written)
        self._file.flush()
        os.fdatasync(self._file.fileno())
        self.head = head
        for line in lines:
            self._note(line)

    def _note(self, line: Line) -> None:
        self.reported = line if isinstance(line, ReportLine) else None
        match line:
            case RunLine():
                self.run = line
            case StartLine():
                self.start = line
                self.starts += 1
            case Totals():
                self.totals = line

    def text(self) -> bytes:
        """All of it, as it is on the disk."""
        return self._path.read_bytes()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _set_aside(self, good: int) -> None:
        with self._path.open("rb") as file:
            file.seek(good)
            self._path.with_suffix(".broken").write_bytes(file.read())
        self._file.truncate(good)
