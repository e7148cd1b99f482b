"""Where a dump of pages may be cut, and the bytes of a part of it."""

import bz2
import re
from collections.abc import Iterator
from typing import Any

from pipelines.sources.split import Split
from pipelines.sources.streams.opening import compression_of, open_bytes
from pipelines.storage.task_files.arrow import resolve

PART_BYTES = 16 << 20
_READ_BYTES = 256 << 10
_OVERLAP = 16  # longer than what is searched for
_STREAM = re.compile(rb"BZh[1-9]1AY&SY")
_PAGE = re.compile(rb"<page>")  # text has &lt; for every other
_FIRST_BYTES = re.compile(rb"\s*<page>")
_FAILURES = 4  # streams in a row that begin inside a page: the file was not made to be cut


def beginnings(split: Split, part_bytes: int) -> list[int]:
    """Return offsets where pages begin, at least so many bytes from each other."""
    filesystem, path = resolve(split.uri)
    with filesystem.open_input_file(path) as file:
        compression = compression_of(file.read(16))
        if compression not in (None, "bz2"):
            return []
        find = _next_page if compression is None else _next_stream
        found: list[int] = []
        place = find(file, part_bytes)
        while place is not None:
            found.append(place)
            place = find(file, place + part_bytes)
    return found


def part_pieces(split: Split) -> Iterator[bytes]:
    """Return the bytes of a part, decompressed.

    Raises:
        EOFError: The file ends inside a stream of its compression.
        OSError: Its compression is damaged.
    """
    filesystem, path = resolve(split.uri)
    with filesystem.open_input_file(path) as file:
        compression = compression_of(file.read(16))
        if compression in (None, "bz2"):
            file.seek(split.start)
            pieces = _bytes(file, split.start, split.end)
            yield from pieces if compression is None else _decompressed(pieces)
            return
    with open_bytes(split) as stream:
        while piece := stream.read1(_READ_BYTES):  # type: ignore[attr-defined]
            yield piece


def _next_page(file: Any, start: int) -> int | None:
    return next(_matches(file, _PAGE, start), None)


def _next_stream(file: Any, start: int) -> int | None:
    """Return where the next bz2 stream with a page at its beginning begins.

    The bytes that begin a stream may also stand inside one: so each is tried.
    """
    for number, place in enumerate(_matches(file, _STREAM, start)):
        if _FIRST_BYTES.match(_first_bytes(file, place)):
            return place
        if number + 1 == _FAILURES:
            return None
    return None


def _matches(file: Any, pattern: re.Pattern[bytes], start: int) -> Iterator[int]:
    rest, place = b"", start
    while True:
        file.seek(place)
        data = file.read(_READ_BYTES)
        if not data:
            return
        held = rest + data
        before = place - len(rest)
        place += len(data)
        for match in pattern.finditer(held):
            if match.end() > len(rest):  # not one of the bytes that were searched before
                yield before + match.start()
        rest = held[-_OVERLAP:]


def _first_bytes(file: Any, place: int) -> bytes:
    decompressor = bz2.BZ2Decompressor()
    file.seek(place)
    try:
        while data := file.read(_READ_BYTES):
            if first := decompressor.decompress(data, 64):
                return first
            if decompressor.eof:
                break
    except OSError:  # no stream, or a damaged one: it is found when it is read
        pass
    return b""


def _bytes(file: Any, start: int, end: int | None) -> Iterator[bytes]:
    left = (1 << 62) if end is None else end - start
    while left > 0 and (data := file.read(min(_READ_BYTES, left))):
        left -= len(data)
        yield data


def _decompressed(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Decompress bz2 streams one after the other."""
    decompressor = bz2.BZ2Decompressor()
    is_open = False
    for piece in pieces:
        data = piece
        while data or (is_open and not decompressor.needs_input and not decompressor.eof):
            is_open = True
            if part := decompressor.decompress(data, _READ_BYTES):
                yield part
            data = b""
            if decompressor.eof:
                data, is_open = decompressor.unused_data, False
                decompressor = bz2.BZ2Decompressor()
    if is_open:
        raise EOFError("the file ends inside a bz2 stream")
