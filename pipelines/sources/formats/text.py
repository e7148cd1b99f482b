"""Plain text: a record per file, per line or per paragraph."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa

from pipelines.sources.request import Request
from pipelines.sources.split import Split
from pipelines.sources.streams import lines
from pipelines.sources.streams.encodings import utf8_stream
from pipelines.sources.streams.pieces import gathered

ENDINGS = (".txt", ".text", ".md", ".rst")

COLUMN = "text"
"""The only column."""

_READ_BYTES = 1 << 20
_SHOWN = 1000  # characters of a record that is too long
_BLANK = np.isin(np.arange(256), list(b" \t\n\r\v\f"))
_SCHEMA = pa.schema(
    [
        ("position", pa.int64()),
        (COLUMN, pa.string()),
        ("record", pa.string()),
        ("problem", pa.string()),
    ]
)
Piece = tuple[int, bytes]


def split(split: Split, request: Request) -> list[Split]:
    """Cut a plain file by bytes where lines are the records."""
    if request.settings.documents_per != "line":
        return [split]
    return lines.cut(split, request.settings)


def columns(split: Split, request: Request) -> list[str]:  # noqa: ARG001 (the shape of a format)
    """Return the only column."""
    return [COLUMN]


def read(split: Split, request: Request) -> Iterator[pa.RecordBatch]:
    """Read the texts; blank lines and paragraphs are none, but a blank file is one."""
    limit = lines.longest(request.settings)
    if request.settings.documents_per == "line":
        yield from _lines(split, request)
        return
    for pieces in _READERS[request.settings.documents_per](split, request):
        rows = [_row(position, data, limit) for position, data in pieces]
        if rows:
            yield _batch(rows)


def _files(split: Split, request: Request) -> Iterator[list[Piece]]:
    limit = lines.longest(request.settings)
    data = bytearray()
    with utf8_stream(split, request.settings) as stream:
        while len(data) <= limit and (part := stream.read1(_READ_BYTES)):  # type: ignore[attr-defined]
            data += part
    yield [(0, bytes(data))]


def _lines(split: Split, request: Request) -> Iterator[pa.RecordBatch]:
    limit = lines.longest(request.settings)
    for block in lines.blocks(split, request.settings):
        positions, starts, ends = _texts(block)
        if not len(starts):
            continue
        if block.is_utf8() and (ends - starts).max() <= limit:
            texts = gathered(np.frombuffer(block.data, np.uint8), starts, ends)
            nothing = pa.nulls(len(texts), pa.string())
            columns = [pa.array(positions), texts, nothing, nothing]
            yield pa.RecordBatch.from_arrays(columns, schema=_SCHEMA)
        else:
            places = zip(positions.tolist(), starts.tolist(), ends.tolist(), strict=True)
            yield _batch(
                [_row(at, bytes(block.data[start:end]), limit) for at, start, end in places]
            )


def _texts(block: lines.Block) -> tuple[Any, Any, Any]:
    """Return places in the file, begins and ends of lines that are not blank, without their CR."""
    data = np.frombuffer(block.data, np.uint8)
    starts, ends = block.edges()
    ends = ends - ((ends > starts) & (data[ends - 1] == ord("\r")))
    may_be_blank = _BLANK[data[starts]] | (ends == starts)
    wanted = ~may_be_blank
    for line in np.flatnonzero(may_be_blank):
        wanted[line] = bool(block.data[starts[line] : ends[line]].strip())
    return block.positions(starts)[wanted], starts[wanted], ends[wanted]


def _paragraphs(split: Split, request: Request) -> Iterator[list[Piece]]:
    """Gather the lines between blank ones; of a paragraph that is too long only the beginning."""
    limit = lines.longest(request.settings)
    begin, gathered, size = 0, list[bytes](), 0
    for block in lines.blocks(split, request.settings):
        whole: list[Piece] = []
        for position, line in _pieces(block):
            if not line.strip():
                if gathered:
                    whole.append((begin, b"\n".join(gathered)))
                gathered, size = [], 0
                continue
            begin = begin if gathered else position
            if size <= limit:
                gathered.append(line)
                size += len(line) + 1
        yield whole
    if gathered:
        yield [(begin, b"\n".join(gathered))]


def _pieces(block: lines.Block) -> Iterable[Piece]:
    starts, ends = block.edges()
    places = zip(block.positions(starts).tolist(), starts.tolist(), ends.tolist(), strict=True)
    for position, start, end in places:
        yield position, bytes(block.data[start:end]).removesuffix(b"\r")


def _row(position: int, data: bytes, limit: int) -> tuple[Any, ...]:
    if len(data) > limit:
        shown = data[: 4 * _SHOWN].decode("utf-8", "replace")[:_SHOWN]
        return position, None, shown, "max_record_bytes"
    try:
        return position, data.decode(), None, None
    except UnicodeDecodeError:
        return position, None, data.decode("utf-8", "replace"), "valid_utf8"


def _batch(rows: list[tuple[Any, ...]]) -> pa.RecordBatch:
    values = zip(*rows, strict=True)
    arrays = [pa.array(each, field.type) for each, field in zip(values, _SCHEMA, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=_SCHEMA)


_READERS: dict[str, Callable[[Split, Request], Iterator[list[Piece]]]] = {
    "file": _files,
    "paragraph": _paragraphs,
}
