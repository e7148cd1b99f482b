"""Lines of text files in blocks: whole lines, each in the split in which it begins."""

from codecs import BOM_UTF8
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa

from pipelines.kernels.marks import PADDING
from pipelines.sources.config import SourceSettings
from pipelines.sources.split import Split
from pipelines.sources.streams.encodings import is_plain, utf8_stream
from pipelines.sources.streams.opening import BREAKS
from pipelines.sources.streams.scanning import UNDECIDED, VALID, check_utf8, find_newlines

SPLIT_BYTES = 64 << 20
BLOCK_BYTES = 4 << 20
_NEWLINE = 10
_LINES = 1 << 16  # that a block has room for at first
_LETTERS_APART = (
    64  # bytes from one letter beyond ASCII to the next, for our own check to be faster
)
_LONGEST = 1 << 30  # what the offsets of Arrow's strings hold


@dataclass(frozen=True)
class Block:
    """Whole lines of a file.

    Args:
        position: Where the first byte is in the file.
        data: The bytes, until the next block is asked for; at least `PADDING` follow `size`.
        size: How many they are.
    """

    position: int
    data: bytearray
    size: int

    def edges(self) -> tuple[Any, Any]:
        """Return where each line begins in `data`, and where it ends before its newline."""
        ends = self._newlines()
        if self.data[self.size - 1] != _NEWLINE:
            ends = np.append(ends, self.size)
        starts = np.zeros_like(ends)
        starts[1:] = ends[:-1] + 1
        if self.position == 0 and self.data.startswith(BOM_UTF8):
            starts[0] = len(BOM_UTF8)
        return starts, ends

    def _newlines(self) -> Any:
        data, places = np.frombuffer(self.data, np.uint8), np.empty(_LINES, np.int64)
        count = find_newlines(data, self.size, places)
        if count > _LINES:
            places = np.empty(count, np.int64)
            find_newlines(data, self.size, places)
        return places[:count]

    def positions(self, starts: Any) -> Any:
        """Return the lines' places in the file; a mark belongs to the first line."""
        found = starts + self.position
        if self.position == 0:
            found[:1] = 0
        return found

    def is_utf8(self) -> bool:
        """Tell whether all bytes are UTF-8."""
        data = np.frombuffer(self.data, np.uint8)
        found = check_utf8(data, self.size, self.size // _LETTERS_APART)
        if found != UNDECIDED:
            return bool(found == VALID)
        offsets = pa.py_buffer(np.array([0, self.size], np.int32))
        text = pa.StringArray.from_buffers(1, offsets, pa.py_buffer(self.data))
        try:
            text.validate(full=True)
        except pa.ArrowInvalid:
            return False
        return True


def cut(split: Split, settings: SourceSettings) -> list[Split]:
    """Cut a file at any bytes, if it is uncompressed UTF-8."""
    if split.size <= SPLIT_BYTES or not is_plain(split, settings):
        return [split]
    edges = [*range(0, split.size, SPLIT_BYTES), split.size]
    return [replace(split, start=start, end=end) for start, end in pairwise(edges)]


def longest(settings: SourceSettings) -> int:
    """Return the bytes that a line may have."""
    return min(settings.max_record_bytes, _LONGEST)


def blocks(split: Split, settings: SourceSettings) -> Iterator[Block]:
    """Read the lines that begin in a split; each block takes the place of the one before.

    A line above `longest` is given without its rest: it then has one byte more than that. Where the
    file breaks off, the whole lines before come first, then the error.

    Args:
        split: The split.
        settings: How the file is read.
    """
    for block in _whole_lines(split, settings):
        if split.end is None or block.position + block.size <= split.end:
            yield block
            continue
        if block.position < split.end:
            last = block.data.find(b"\n", split.end - block.position - 1, block.size)
            yield replace(block, size=last + 1) if last >= 0 else block
        return


def _whole_lines(split: Split, settings: SourceSettings) -> Iterator[Block]:
    """Read whole lines from the first that begins in a split, perhaps more than it has."""
    opened = replace(split, start=max(0, split.start - 1))
    # the line that crosses the edge belongs to the split before
    window = _Window(opened.start, longest(settings), is_inside=split.start > 0)
    with utf8_stream(opened, settings, keeps_mark=True) as stream:
        while window.fill(stream):
            yield from window.lines()
            if split.end is not None and window.position >= split.end:
                return
        yield from window.rest()


class _Window:
    """The part of a file that is in memory: always in the same place, which costs no new pages."""

    def __init__(self, position: int, limit: int, *, is_inside: bool) -> None:
        self.position = position
        self._limit = limit
        self._is_inside = is_inside  # within a line that is not wanted
        self._room = BLOCK_BYTES
        self._data = bytearray(self._room + PADDING)
        self._filled = 0
        self._error: Exception | None = None

    def fill(self, stream: Any) -> bool:
        """Read what there is room for; before an error what was read comes first."""
        if self._error is not None:
            raise self._error
        if self._filled == self._room:
            self._room *= 2
            self._data = self._data[: self._filled] + bytearray(self._room + PADDING - self._filled)
        before = self._filled
        try:
            with memoryview(self._data) as data:
                while count := stream.readinto1(data[self._filled : self._room]):
                    self._filled += count
        except BREAKS as error:
            self._error = error
            return True
        return self._filled > before

    def lines(self) -> Iterator[Block]:
        """Yield the lines that are whole, or too long."""
        if self._is_inside:
            begin = self._data.find(b"\n", 0, self._filled) + 1
            self._is_inside = begin == 0
            self._drop(begin or self._filled)
        last = self._data.rfind(b"\n", 0, self._filled) + 1
        if last:
            yield Block(self.position, self._data, last)
            self._drop(last)
        if self._filled > self._limit:
            yield Block(self.position, self._data, self._limit + 1)
            self._drop(self._filled)
            self._is_inside = True

    def rest(self) -> Iterator[Block]:
        """Yield the last line, which no newline ends."""
        if self._filled:
            yield Block(self.position, self._data, self._filled)

    def _drop(self, count: int) -> None:
        with memoryview(self._data) as data:
            data[: self._filled - count] = data[count : self._filled]
        self._filled -= count
        self.position += count
