"""A file of CSV by chunks: what is read of it, where the scan is, and what the scan finds."""

from typing import Any, BinaryIO

import numpy as np

from pipelines.kernels.marks import PADDING, find_marks
from pipelines.sources.csv_rows.records import (
    AT,
    CR,
    ENDED,
    FRONTIER,
    LF,
    LINE,
    MARK,
    NONE,
    REFUSED,
    ROWS,
    STATE_SIZE,
    Found,
    Rules,
)
from pipelines.sources.csv_rows.scan import scan
from pipelines.sources.streams.opening import BREAKS

CHUNK_BYTES = 1 << 20
"""Bytes that are held at once, unless a record is longer."""
BATCH_ROWS = 1 << 15
"""Most records that one scan finds."""


class Chunks:
    """A stream of CSV of which a chunk is held, and a scan that goes through it.

    Args:
        stream: The bytes, as UTF-8.
        length: Bytes to read, None for all.
        line: Number of the first line.
        base: Place in the file of the first byte.
    """

    def __init__(self, stream: BinaryIO, length: int | None, line: int, base: int) -> None:
        self._stream = stream
        self._left = length
        self._broken: Exception | None = None
        self.base = base
        self.data = np.zeros(PADDING, np.uint8)
        self.size = 0
        self.state = np.zeros(STATE_SIZE, np.int64)
        self.state[LINE] = line
        self._marks = np.zeros(1, np.int32)

    @property
    def is_ended(self) -> bool:
        """Whether the chunk holds the stream's last byte."""
        return bool(self.state[ENDED])

    @property
    def place(self) -> int:
        """Where in the file the scan is."""
        return self.base + int(self.state[AT])

    def fill(self) -> None:
        """Drop what the scan is through with, and read on; the rest moves to the front.

        Where the file breaks off, what was read before is held first; the next call raises the
        error.
        """
        if self._broken:
            raise self._broken
        at = int(self.state[AT])
        rest = self.data[at : self.size]
        capacity = max(CHUNK_BYTES, 2 * len(rest))
        kept = self.data
        if len(kept) != capacity + 1 + PADDING:
            kept = np.empty(capacity + 1 + PADDING, np.uint8)
        kept[: len(rest)] = rest
        self.data, self.size = kept, len(rest)
        self.base += at
        self.state[FRONTIER] = max(0, self.state[FRONTIER] - at)
        self.state[AT] = 0
        self._read(capacity)

    def _read(self, capacity: int) -> None:
        """Read until the chunk is full; a file that ends without a line end is given one."""
        while self.size < capacity and not self.is_ended:
            room = capacity - self.size
            room = room if self._left is None else min(room, self._left)
            count = self._read_into(self.data[self.size : self.size + room]) if room else 0
            self.size += count
            self._left = None if self._left is None else self._left - count
            if self._broken:
                break
            self.state[ENDED] = int(count == 0)
        if self.is_ended and self.size and self.data[self.size - 1] not in (LF, CR):
            self.data[self.size] = LF
            self.size += 1
        self.data[self.size : self.size + PADDING] = 0

    def _read_into(self, part: Any) -> int:
        try:
            return int(self._stream.readinto1(memoryview(part)))  # type: ignore[attr-defined]
        except BREAKS as error:
            self._broken = error
            return 0

    def mark(self, rules: Rules) -> None:
        """Find the delimiters, quotes and line ends from where the scan is."""
        if len(self._marks) != len(self.data):
            self._marks = np.empty(len(self.data), np.int32)  # memory only as far as it is written
        quote = LF if rules.quote == NONE else rules.quote
        wanted = (np.uint8(byte) for byte in (rules.delimiter, quote, LF, CR))
        find_marks(self.data, int(self.state[AT]), self.size, *wanted, self._marks)
        self.state[MARK] = 0

    def scan(self, rules: Rules, slots: Any, found: Found, until: int | None = None) -> bool:
        """Find records; return whether the chunk's whole records are through.

        Args:
            rules: How the file is written.
            slots: For each field of a record the wanted column, or -1.
            found: What is filled, from its beginning.
            until: Place in the file from which on no further record is begun.
        """
        self.state[ROWS] = self.state[REFUSED] = 0
        end = self.size if until is None else until - self.base
        how = tuple(rules), slots, tuple(found)
        return bool(scan(self.data, self.size, self._marks, *how, self.state, end))

    @property
    def counts(self) -> tuple[int, int]:
        """How many sound and refused records the last scan found."""
        return int(self.state[ROWS]), int(self.state[REFUSED])

    @property
    def is_through(self) -> bool:
        """Whether the scan is at the stream's end."""
        return self.is_ended and bool(self.state[AT] >= self.size)

    @property
    def is_free(self) -> bool:
        """Whether a record may begin a piece here: none before it failed further on."""
        return bool(self.state[AT] >= self.state[FRONTIER])

    def text(self, begin: int, stop: int) -> str:
        """Return a part of the chunk, with replacement characters for what is no UTF-8."""
        return str(self.data[begin:stop].tobytes().decode("utf-8", "replace"))


def room_for(columns: int, rows: int) -> Found:
    """Return empty places of what a scan finds."""
    return Found(
        np.empty((columns, rows), np.int32),
        np.empty((columns, rows), np.int32),
        np.empty((columns, rows), np.uint8),
        np.empty((rows, 3), np.int64),
        np.empty((rows, 4), np.int64),
    )
