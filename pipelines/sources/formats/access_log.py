r"""Access logs of Apache and nginx in the common and the combined format: a line is a record.

The columns are `host`, `user`, `time` (ISO 8601 with its zone), `method`, `path`, `protocol`,
`status`, `bytes`, `referrer` and `agent`; `-` is null, and so are the last two in the common
format. `\"` and `\\` are read as the characters they stand for, other escapes are left. A virtual
host before the line and further fields after it are passed over. A request that is no HTTP is the
`path`, without a method. The position is the line's byte offset in the decompressed file.
"""

import re
from codecs import BOM_UTF8
from collections.abc import Iterator
from datetime import datetime
from functools import lru_cache
from typing import Any, BinaryIO

import pyarrow as pa

from pipelines.sources.formats import gathering
from pipelines.sources.formats.gathering import Row
from pipelines.sources.request import Request
from pipelines.sources.split import Split
from pipelines.sources.streams import lines
from pipelines.sources.streams.encodings import is_plain, utf8_stream
from pipelines.sources.streams.opening import open_bytes

ENDINGS = (".log",)
_SHOWN_BYTES = 1000
_QUOTED = r'"([^"\\]*(?:\\.[^"\\]*)*)"'
_LINE = re.compile(
    r"(?:[A-Za-z0-9.-]+:[0-9]+ )?"  # virtual host
    r'(\S+) \S+ (\S+(?: [^\[\]"]+)?) '  # host, user
    rf"\[([^\[\]]*)\] {_QUOTED} ([0-9]{{3}}|-) ([0-9]{{1,18}}|-)"  # time, request, status, bytes
    rf'(?: {_QUOTED} {_QUOTED}(?: .*)?|(?: [^"\s]\S*)*)'  # referrer, agent
)
_REQUEST = re.compile(r"([A-Za-z]+) (\S.*?)(?: (HTTP/[0-9.]+))?")
_TIME = re.compile(r"([0-3][0-9]/[A-Z][a-z]{2}/[0-9]{4}:[0-9:]{8}) ([+-][0-9]{2}):?([0-9]{2})")
_MONTHS = "JanFebMarAprMayJunJulAugSepOctNovDec"
_ESCAPE = re.compile(r'\\(["\\])')
_NAMES = ("host", "user", "time", "method", "path", "protocol", "referrer", "agent")
_TYPES = dict.fromkeys(_NAMES, pa.string()) | {"status": pa.int32(), "bytes": pa.int64()}


def split(split: Split, request: Request) -> list[Split]:
    """Cut a plain file at any byte: a line belongs to the part in which it begins."""
    return lines.cut(split, request.settings)


def columns(split: Split, request: Request) -> list[str]:  # noqa: ARG001
    """Return the columns that every log has."""
    return list(_TYPES)


def read(split: Split, request: Request) -> Iterator[pa.RecordBatch]:
    """Return the lines of a part.

    Raises:
        EOFError: A compressed file breaks off; the lines before were returned.
        OSError: Its compression is damaged.
    """
    return gathering.batches(_rows(split, request), request.paths, _TYPES)


def is_entry(line: str) -> bool:
    """Tell whether a line is one of an access log."""
    return _LINE.fullmatch(line) is not None


def _rows(split: Split, request: Request) -> Iterator[Row]:
    longest = request.settings.max_record_bytes
    with _opened(split, request) as stream:
        for position, line in _lines(stream, split, longest):
            if len(line) > longest:
                shown = gathering.text_of(line[:_SHOWN_BYTES])
                yield Row(position, problem="max_record_bytes", record=shown)
            elif not line.isspace():
                yield _row(position, line)


def _opened(split: Split, request: Request) -> BinaryIO:
    """Open a part one byte before it begins, to see whether a line begins with it."""
    if split.start > 0:
        return open_bytes(Split(split.uri, split.relative, split.size, split.start - 1))
    if is_plain(split, request.settings):
        return open_bytes(split)
    return utf8_stream(split, request.settings)


def _lines(stream: BinaryIO, split: Split, longest: int) -> Iterator[tuple[int, bytes]]:
    """Return the lines that begin in a part, with their places; of a long one its beginning."""
    position = split.start
    if position > 0:
        position += _pass_line(stream) - 1
    while (split.end is None or position < split.end) and (line := stream.readline(longest + 1)):
        yield position, line
        position += len(line)
        if len(line) > longest and not line.endswith(b"\n"):
            position += _pass_line(stream)


def _pass_line(stream: BinaryIO) -> int:
    passed = 0
    while line := stream.readline(1 << 20):
        passed += len(line)
        if line.endswith(b"\n"):
            break
    return passed


def _row(position: int, line: bytes) -> Row:
    data = line.removeprefix(BOM_UTF8) if position == 0 else line
    try:
        text = data.decode("utf-8").rstrip("\r\n")
    except UnicodeDecodeError:
        return Row(position, problem="valid_utf8", record=gathering.text_of(data).rstrip("\r\n"))
    found = _LINE.fullmatch(text)
    time = _iso(found[3]) if found else None
    if found is None or time is None:
        return Row(position, problem="valid_record", record=text)
    host, user, _, request, status, size, referrer, agent = found.groups()
    method, path, protocol = _parts(request)
    values: dict[str, Any] = {
        "host": _value(host),
        "user": _value(user),
        "time": time,
        "method": method,
        "path": path,
        "protocol": protocol,
        "status": None if status == "-" else int(status),
        "bytes": None if size == "-" else int(size),
        "referrer": _value(referrer),
        "agent": _value(agent),
    }
    return Row(position, values, len(line))


def _value(text: str | None) -> str | None:
    if text is None or text == "-":
        return None
    return _ESCAPE.sub(r"\1", text) if "\\" in text else text


def _parts(request: str) -> tuple[str | None, str | None, str | None]:
    found = _REQUEST.fullmatch(request)
    if found is None:
        return None, _value(request), None
    return found[1], _value(found[2]), found[3]


@lru_cache(maxsize=1 << 12)
def _iso(text: str) -> str | None:
    """Return the time of a log in ISO 8601, None where it is no time."""
    found = _TIME.fullmatch(text)
    if found is None:
        return None
    day, month, year, clock = found[1][:2], found[1][3:6], found[1][7:11], found[1][12:]
    number = _MONTHS.find(month) // 3 + 1  # 0 where it is not found
    iso = f"{year}-{number:02}-{day}T{clock}{found[2]}:{found[3]}"
    try:
        datetime.fromisoformat(iso)
    except ValueError:
        return None
    return iso
