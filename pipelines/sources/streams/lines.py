"""Lines of text files in blocks: whole lines, each in the split in which it begins."""

from codecs import BOM_UTF8
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa

from pipelines.sources.config import SourceSettings
from pipelines.sources.split import Split
from pipelines.sources.streams.encodings import is_plain, utf8_stream
from pipelines.sources.streams.opening import BREAKS

SPLIT_BYTES = 64 << 20
BLOCK_BYTES = 1 << 20
_NEWLINE = 10
_LONGEST = 1 << 30  # what the offsets of Arrow's strings hold


@dataclass(frozen=True)
class Block:
    """Whole lines of a file.

    Args:
        position: Where the first byte is in the file.
        data: The bytes; what follows `size` is of no line.
        size: How many they are.
    """

    position: int
    data: bytes
    size: int

    def edges(self) -> tuple[Any, Any]:
        """Return where each line begins in `data`, and where it ends before its newline."""
        ends = np.flatnonzero(np.frombuffer(self.data, np.uint8, self.size) == _NEWLINE)
        if self.data[self.size - 1] != _NEWLINE:
            ends = np.append(ends, self.size)
        starts = np.zeros_like(ends)
        starts[1:] = ends[:-1] + 1
        if self.position == 0 and self.data.startswith(BOM_UTF8):
            starts[0] = len(BOM_UTF8)
        return starts, ends

    def positions(self, starts: Any) -> Any:
        """Return the lines' places in the file; a mark belongs to the first line."""
        found = starts + self.position
        if self.position == 0:
            found[:1] = 0
        return found

    def is_utf8(self) -> bool:
        """Tell whether all bytes are UTF-8."""
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


def blocks(split: Split, settings: SourceSettings, padding: bytes = b"") -> Iterator[Block]:
    """Read the lines that begin in a split.

    A line above `longest` is given without its rest: it then has one byte more than that. Where the
    file breaks off, the whole lines before come first, then the error.

    Args:
        split: The split.
        settings: How the file is read.
        padding: Bytes to have after the lines.
    """
    for block in _whole_lines(split, settings, padding):
        if split.end is None or block.position + block.size <= split.end:
            yield block
            continue
        if block.position < split.end:
            last = block.data.find(b"\n", split.end - block.position - 1, block.size)
            yield replace(block, size=last + 1) if last >= 0 else block
        return


def _whole_lines(split: Split, settings: SourceSettings, padding: bytes) -> Iterator[Block]:
    """Read whole lines from the first that begins in a split, perhaps more than it has."""
    opened = replace(split, start=max(0, split.start - 1))
    # the line that crosses the edge belongs to the split before
    gathered = _Gathered(opened.start, longest(settings), padding, is_inside=split.start > 0)
    with utf8_stream(opened, settings, keeps_mark=True) as stream:
        for part in _parts(stream):
            yield from gathered.add(part)
            if split.end is not None and gathered.position >= split.end:
                return
        yield from gathered.take(b"")


class _Gathered:
    """Bytes of lines that are not whole yet."""

    def __init__(self, position: int, limit: int, padding: bytes, *, is_inside: bool) -> None:
        self.position = position
        self._limit = limit
        self._padding = padding
        self._is_inside = is_inside  # within a line that is not wanted
        self._waiting = bytearray()

    def add(self, part: bytes) -> Iterator[Block]:
        """Add bytes, and yield the lines that are whole, or too long."""
        if self._is_inside:
            begin = part.find(b"\n") + 1
            self._is_inside = begin == 0
            self.position += begin or len(part)
            part = part[begin:] if begin else b""
        last = part.rfind(b"\n") + 1
        if last:
            yield from self.take(part[:last])
        self._waiting += part[last:]
        if len(self._waiting) > self._limit:
            after = self.position + len(self._waiting)
            del self._waiting[self._limit + 1 :]
            yield from self.take(b"")
            self.position, self._is_inside = after, True

    def take(self, part: bytes) -> Iterator[Block]:
        """Yield what waits and a part, which may be nothing."""
        data = b"".join((self._waiting, part, self._padding))
        size = len(data) - len(self._padding)
        if size:
            yield Block(self.position, data, size)
        self.position += size
        self._waiting.clear()


def _parts(stream: Any) -> Iterator[bytes]:
    """Read about `BLOCK_BYTES` at a time; before an error what was read comes first."""
    parts: list[bytes] = []
    size = 0
    try:
        while part := stream.read1(BLOCK_BYTES):
            parts.append(part)
            size += len(part)
            if size >= BLOCK_BYTES:
                yield b"".join(parts)
                parts, size = [], 0
    except BREAKS:
        yield b"".join(parts)
        raise
    yield b"".join(parts)
