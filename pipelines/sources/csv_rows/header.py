"""The beginning of a file of CSV: its delimiter, and the names of its columns."""

import csv
import io
import re
from dataclasses import dataclass

import numpy as np

from pipelines.errors import InputError
from pipelines.sources.config import SourceSettings
from pipelines.sources.csv_rows.chunks import Chunks, room_for
from pipelines.sources.csv_rows.records import AT, LINE, MISCOUNTED, NONE, SOUND, Rules

_BOM = b"\xef\xbb\xbf"
_ADVICE = "correct it, or set delimiter and quote"
_LONGEST = (1 << 30) - 64  # places in a chunk, which holds up to twice as much, have 32 bits
_LINE_BYTES = 64 << 10


@dataclass(frozen=True)
class Header:
    """The names of a file's columns, in order (empty where there is none), and its delimiter."""

    names: tuple[str, ...]
    delimiter: str


def rules_of(delimiter: str, settings: SourceSettings) -> Rules:
    """Return how a file is written.

    Raises:
        InputError: Delimiter, quote or escape are not of ASCII, or not distinct.
    """
    marks = {"delimiter": delimiter, "quote": settings.quote, "escape": settings.escape}
    for name, mark in marks.items():
        if mark is not None and (not mark.isascii() or mark in "\r\n\0"):
            raise InputError(f"{name} {mark!r} is not one character of ASCII; set another")
    if delimiter in (settings.quote, settings.escape):
        raise InputError(f"delimiter {delimiter!r} is also quote or escape; set another")
    quote, escape = (NONE if mark is None else ord(mark) for mark in list(marks.values())[1:])
    escape = NONE if escape == quote else escape
    return Rules(ord(delimiter), quote, escape, min(settings.max_record_bytes, _LONGEST))


def read_header(chunks: Chunks, uri: str, settings: SourceSettings) -> Header | None:
    """Read a file's beginning up to and with its header; None where the file has no record.

    Raises:
        InputError: The header is no record.
    """
    chunks.fill()
    if chunks.data[: len(_BOM)].tobytes() == _BOM:
        chunks.state[AT] = len(_BOM)
    delimiter = settings.delimiter
    while (line := _line(chunks, settings)).strip() or not chunks.is_through:
        told = re.fullmatch(rb'"?sep=([^\r\n])"?', line, re.IGNORECASE)
        if told or not line.strip():
            delimiter = delimiter or (told[1].decode("latin-1") if told else None)
            _pass_line(chunks, line)
            continue
        delimiter = delimiter or _likeliest(line.decode(errors="replace"), settings.quote, uri)
        return Header(_names(chunks, uri, delimiter, settings), delimiter)
    return None


def _line(chunks: Chunks, settings: SourceSettings) -> bytes:
    """Return the line that the scan is at, or as much of it as a record may have."""
    most = _LINE_BYTES
    while True:
        at = int(chunks.state[AT])
        held = chunks.data[at : min(chunks.size, at + most)].tobytes()
        if ends := re.search(rb"\r\n|\r(?!\Z)|\n", held):
            return held[: ends.start()]
        if most >= settings.max_record_bytes or (chunks.is_ended and at + most >= chunks.size):
            return held.rstrip(b"\r")
        if at + most >= chunks.size:
            chunks.fill()
        most *= 2


def _pass_line(chunks: Chunks, line: bytes) -> None:
    end = int(chunks.state[AT]) + len(line)
    found = re.match(rb"\r\n|\r|\n|", chunks.data[end : end + 2].tobytes())
    chunks.state[AT] = min(chunks.size, end + (found.end() if found else 0))
    chunks.state[LINE] += 1


def _likeliest(line: str, quote: str | None, uri: str) -> str:
    """Return the delimiter that stands most often in a line, outside quotes.

    Where there is none, as over a single column, it is what the file's name says.
    """
    if quote is not None:
        line = re.sub(f"{re.escape(quote)}[^{re.escape(quote)}]*({re.escape(quote)}|$)", "", line)
    return max("\t,;|" if ".tsv" in uri.lower() else ",;\t|", key=line.count)


def _names(chunks: Chunks, uri: str, delimiter: str, settings: SourceSettings) -> tuple[str, ...]:
    """Read the header as a record of no columns: its bounds are what the scan then tells."""
    rules, found = rules_of(delimiter, settings), room_for(0, 1)
    chunks.mark(rules)
    while chunks.scan(rules, np.empty(0, np.int64), found) and not any(chunks.counts):
        chunks.fill()
        chunks.mark(rules)
    begin, stop, _, what = (*found.bounds[0], SOUND) if chunks.counts[0] else found.refused[0]
    text = chunks.text(begin, stop)
    if what not in (SOUND, MISCOUNTED):
        raise InputError(f"{uri}: the header is no record of CSV: {text[:100]!r}; {_ADVICE}")
    names = [name.removeprefix("\ufeff") for name in _fields(text, uri, delimiter, settings)]
    while names and not names[-1]:
        names.pop()
    return tuple(names)


def _fields(text: str, uri: str, delimiter: str, settings: SourceSettings) -> list[str]:
    escape = None if settings.escape == settings.quote else settings.escape
    reader = csv.reader(
        io.StringIO(text, newline=""),
        delimiter=delimiter,
        quotechar=settings.quote,
        quoting=csv.QUOTE_NONE if settings.quote is None else csv.QUOTE_MINIMAL,
        doublequote=escape is None,
        escapechar=escape,
    )
    try:
        return next(reader)
    except csv.Error as error:
        raise InputError(f"{uri}: the header cannot be read ({error}); {_ADVICE}") from error
