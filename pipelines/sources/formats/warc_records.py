"""Records of a WARC file as bytes, each with its place; damaged ones told from sound ones.

FastWARC reads on without a word where a compressed file breaks off, and gives all records of a
member one position. So the framing is done here, and FastWARC parses single records.
"""

import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

_READ_BYTES = 64 << 10
_HEADER_BYTES = 64 << 10
_LENGTH = re.compile(
    rb"^content-length:[ \t]*([0-9]{1,18})[ \t]*\r?$", re.IGNORECASE | re.MULTILINE
)
_TYPE = re.compile(rb"^warc-type:[ \t]*([a-z]+)[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)
_NEXT = re.compile(rb"\r?\n(?=WARC/[01]\.[0-9]+\r?\n)")
_VERSION = re.compile(rb"WARC/[01]\.[0-9]+\r?\n")
_HEADER_END = re.compile(rb"\n\r?\n")
_BLANK = (b"\r\n", b"\n")


@dataclass(frozen=True, slots=True)
class Frame:
    """One record.

    Args:
        position: Byte offset of the record in the file; in a gzip file that of its member, plus
            the number of records before it in this member.
        header: WARC header with its blank line.
        body: What `Content-Length` counts; empty where the record has a problem.
        problem: The rule that the record broke.
    """

    position: int
    header: bytes
    body: bytes = b""
    problem: str | None = None


class Source:
    """Bytes of a file in pieces, with lines, exact lengths, and a place to put bytes back."""

    def __init__(self, pieces: Iterator[tuple[int | None, bytes]]) -> None:
        """Take pieces with the place of the gzip member that begins with each, None elsewhere."""
        self._pieces = pieces
        self._data = b""
        self._at = 0
        self._before = 0  # decompressed bytes before `_data`
        self._members: list[tuple[int, int]] = []
        self._rank = 0

    def position(self) -> int:
        """Return the place of the record that begins here."""
        place = self._before + self._at
        is_new = False
        while len(self._members) > 1 and self._members[1][0] <= place:
            self._members.pop(0)
            is_new = True
        if not self._members:
            return place
        self._rank = 0 if is_new or self._members[0][0] == place else self._rank + 1
        return self._members[0][1] + self._rank

    def line(self) -> bytes:
        """Return the next line with its end, without it where the file ends or it is too long."""
        end = self._data.find(b"\n", self._at)
        while end < 0 and len(self._data) - self._at < _HEADER_BYTES and self._fill():
            end = self._data.find(b"\n", self._at)
        stop = end + 1 if end >= 0 else min(len(self._data), self._at + _HEADER_BYTES)
        return self._take(stop)

    def header(self) -> bytes:
        """Return the bytes to the next blank line and with it; fewer where the file ends."""
        end = _HEADER_END.search(self._data, self._at)
        while end is None and len(self._data) - self._at < _HEADER_BYTES and self._fill():
            end = _HEADER_END.search(self._data, self._at)
        return self._take(end.end() if end else len(self._data))

    def read(self, size: int) -> bytes:
        """Return the next bytes; fewer only where the file ends."""
        if len(self._data) - self._at >= size:
            return self._take(self._at + size)
        parts = [self._take(len(self._data))]
        missing = size - len(parts[0])
        while missing > 0 and self._fill():
            parts.append(self._take(min(missing, len(self._data))))
            missing -= len(parts[-1])
        return b"".join(parts)

    def skip(self, size: int) -> int:
        """Pass over bytes without keeping them; return how many there were."""
        passed = 0
        while passed < size and (part := self.read(min(size - passed, 1 << 20))):
            passed += len(part)
        return passed

    def back(self, data: bytes) -> None:
        """Put back bytes that were read last."""
        self._before += self._at - len(data)
        self._data = data + self._data[self._at :]
        self._at = 0

    def _take(self, stop: int) -> bytes:
        part = self._data[self._at : stop]
        self._at = stop
        return part

    def _fill(self) -> bool:
        piece = next(self._pieces, None)
        if piece is None:
            return False
        self._before += self._at
        self._data = self._data[self._at :] + piece[1]
        self._at = 0
        if piece[0] is not None:
            self._members.append((self._before + len(self._data) - len(piece[1]), piece[0]))
        return True


def type_of(header: bytes) -> str | None:
    """Return the `WARC-Type` of a record's header in small letters."""
    found = _TYPE.search(header)
    return found[1].decode().lower() if found else None


def frames(source: Source, *, longest: int) -> Iterator[Frame]:
    """Return the records of a file, the damaged ones with a problem.

    After a damaged record reading goes on at the next line that begins a WARC record.

    Args:
        source: The file's bytes.
        longest: Longest body in bytes; a longer one has the problem `max_record_bytes`.

    Raises:
        EOFError: The file ends inside a record.
    """
    while line := source.line():
        if line in _BLANK:
            continue
        source.back(line)
        position = source.position()
        if _VERSION.fullmatch(line):
            yield _record(source, position, longest)
        elif not line.endswith(b"\n") and len(line) < _HEADER_BYTES:
            raise EOFError("the file ends inside a line that begins no record")
        else:
            yield Frame(position, _to_next(source), problem="valid_record")


def _record(source: Source, position: int, longest: int) -> Frame:
    header = source.header()
    if not header.endswith((b"\n\n", b"\n\r\n")) and len(header) < _HEADER_BYTES:
        raise EOFError("the file ends inside a record's header")
    length = _LENGTH.search(header)
    if length is None:
        _to_next(source)
        return Frame(position, header, problem="valid_record")
    size = int(length[1])
    if size > longest:
        if source.skip(size) < size:
            raise EOFError("the file ends inside a record")
        return Frame(position, header, problem="max_record_bytes")
    body = source.read(size)
    if len(body) == size and _ends_here(source):
        return Frame(position, header, body)
    held = body + source.line()
    inner = _NEXT.search(held)  # the length leads past the beginning of the next record
    if inner is None and len(body) < size:
        raise EOFError("the file ends inside a record")
    source.back(held[inner.end() :] if inner else held[len(body) :])
    _to_next(source)
    return Frame(position, header, problem="valid_record")


def _ends_here(source: Source) -> bool:
    """Tell whether a record's two blank lines follow, or the file's end; pass over them if so."""
    passed = b""
    for _ in range(2):
        line = source.line()
        passed += line
        if line and line not in (*_BLANK, b"\r"):
            source.back(passed)
            return False
    return True


def _to_next(source: Source) -> bytes:
    """Pass over lines to the next that begins a record; return the first bytes of them."""
    passed = b""
    while line := source.line():
        if _VERSION.fullmatch(line):
            source.back(line)
            break
        passed += line[: max(0, _HEADER_BYTES - len(passed))]
    return passed


def plain_pieces(stream: BinaryIO) -> Iterator[tuple[int | None, bytes]]:
    """Return the bytes of a stream in pieces."""
    while piece := stream.read1(_READ_BYTES):  # type: ignore[attr-defined]
        yield None, piece


def gzip_pieces(stream: BinaryIO) -> Iterator[tuple[int | None, bytes]]:
    """Return the bytes of a gzip file in pieces that end with each member.

    Raises:
        EOFError: The file ends inside a member.
        OSError: A member is damaged.
    """
    data, place = stream.read(_READ_BYTES), 0
    while data:
        start = place
        inflating = zlib.decompressobj(31)
        is_first = True
        while not inflating.eof:
            piece, rest = _inflated(inflating, data)
            place += len(data) - len(rest)
            data = rest or stream.read(_READ_BYTES)
            if piece:
                yield (start if is_first else None), piece
                is_first = False
            if not data and not inflating.eof:
                raise EOFError("the file ends inside a gzip member")
        if data.startswith(b"\0"):  # padding
            place += len(data) - len(data.lstrip(b"\0"))
            data = data.lstrip(b"\0") or stream.read(_READ_BYTES)


def _inflated(inflating: Any, data: bytes) -> tuple[bytes, bytes]:
    """Return the next bytes of a member, and what of the data is left."""
    try:
        piece = inflating.decompress(data, _READ_BYTES << 2)
    except zlib.error as error:
        raise OSError(f"a gzip member is damaged: {error}") from error
    return piece, inflating.unused_data if inflating.eof else inflating.unconsumed_tail
