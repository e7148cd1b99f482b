# ruff: noqa: A005
"""CSV: one record per line, or several where quoted fields have line ends, under a header."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa

from pipelines.errors import InputError
from pipelines.sources.csv_rows.chunks import BATCH_ROWS, Chunks, room_for
from pipelines.sources.csv_rows.fields import Nulls, column, invalid_records, nulls_of, raw_records
from pipelines.sources.csv_rows.header import Header, read_header, rules_of
from pipelines.sources.csv_rows.records import INVALID, LINE, Found, Rules
from pipelines.sources.request import Request
from pipelines.sources.split import Split
from pipelines.sources.streams.encodings import is_plain, utf8_stream
from pipelines.sources.streams.opening import open_bytes

ENDINGS = (".csv", ".tsv")
SPLIT_BYTES = 64 << 20
"""Bytes of a piece of a plain file; longer files are cut at records."""

_PROBLEMS = [None, "column_count", "valid_csv", "max_record_bytes", "valid_utf8"]
"""Problems by what `csv_records` calls a record."""


def split(split: Split, request: Request) -> list[Split]:
    """Cut a long file at records; one scan finds them, for a line end may stand inside quotes."""
    if split.size <= SPLIT_BYTES or not is_plain(split, request.settings):
        return [split]
    with open_bytes(split) as stream:
        chunks = Chunks(stream, None, 1, 0)
        header = read_header(chunks, split.uri, request.settings)
        if header is None:
            return [split]
        about = {"header": list(header.names), "delimiter": header.delimiter}
        edges = list(_edges(chunks, header, rules_of(header.delimiter, request.settings)))
    ends = [place for place, _ in edges[1:]]
    return [
        replace(split, start=start, end=end, about={**split.about, **about, "line": line})
        for (start, line), end in zip(edges, [*ends, split.size], strict=True)
    ]


def _edges(chunks: Chunks, header: Header, rules: Rules) -> Iterator[tuple[int, int]]:
    """Yield the place and the line of the record that each piece begins with."""
    yield chunks.place, int(chunks.state[LINE])
    slots, found = np.full(len(header.names), -1, np.int64), room_for(0, BATCH_ROWS)
    until = chunks.place + SPLIT_BYTES
    chunks.mark(rules)
    while not chunks.is_through:
        if chunks.scan(rules, slots, found, until):
            if not chunks.is_ended:
                chunks.fill()
                chunks.mark(rules)
        elif chunks.place >= until:
            if chunks.is_free:
                yield chunks.place, int(chunks.state[LINE])
            until = chunks.place + SPLIT_BYTES


def columns(split: Split, request: Request) -> list[str]:
    """Return the names in a file's header."""
    with _opened(split, request) as (_, header):
        return [name for name in header.names if name] if header else []


def read(split: Split, request: Request) -> Iterator[pa.RecordBatch]:
    """Read the records of a file or of a piece of it.

    Grain: one row per record, and one per line or record that is refused. `position` is the number
    of the line on which it begins. All columns are strings.

    Raises:
        InputError: The header is no record, or has a name twice that is asked for.
    """
    with _opened(split, request) as (chunks, header):
        if header is None:
            return
        wanted = _wanted(header, request, split.uri)
        rules = rules_of(header.delimiter, request.settings)
        nulls = nulls_of(request.settings.null_values)
        slots, found = np.full(len(header.names), -1, np.int64), room_for(len(wanted), BATCH_ROWS)
        slots[list(wanted.values())] = range(len(wanted))
        chunks.mark(rules)
        while True:
            is_scanned = chunks.scan(rules, slots, found)
            yield from _batches(chunks, list(wanted), found, rules, nulls)
            if is_scanned and chunks.is_ended:
                return
            if is_scanned:
                chunks.fill()
                chunks.mark(rules)


@contextmanager
def _opened(split: Split, request: Request) -> Iterator[tuple[Chunks, Header | None]]:
    """Open a file or a piece of one at its first record."""
    if "header" not in split.about:
        with utf8_stream(split, request.settings) as stream:
            chunks = Chunks(stream, None, 1, 0)
            yield chunks, read_header(chunks, split.uri, request.settings)
        return
    with open_bytes(split) as stream:
        length = None if split.end is None else split.end - split.start
        chunks = Chunks(stream, length, int(split.about["line"]), split.start)
        chunks.fill()
        yield chunks, Header(tuple(split.about["header"]), split.about["delimiter"])


def _wanted(header: Header, request: Request, uri: str) -> dict[str, int]:
    """Return the places of the columns that are asked for and exist."""
    for name in request.paths:
        count = header.names.count(name)
        if count > 1:
            times = {2: "twice"}.get(count, f"{count} times")
            raise InputError(f"{uri}: the header has {name!r} {times}; rename one")
    return {name: header.names.index(name) for name in request.paths if name in header.names}


def _batches(
    chunks: Chunks, names: list[str], found: Found, rules: Rules, nulls: Nulls
) -> Iterator[pa.RecordBatch]:
    """Yield what a scan found: the sound records, then the refused ones."""
    rows, refused = chunks.counts
    bounds = found.bounds[:rows]
    bad = invalid_records(chunks.data, bounds)
    if rows:
        columns = [
            column(chunks.data, found, slot, rows, rules, nulls) for slot in range(len(names))
        ]
        batch = pa.record_batch([pa.array(bounds[:, 2]), *columns], names=["position", *names])
        yield batch.filter(pa.array(~np.isin(np.arange(rows), bad))) if bad else batch
    invalid = np.column_stack([bounds[bad], np.full(len(bad), INVALID)])
    wrong = np.concatenate([invalid, found.refused[:refused]])
    if len(wrong):
        yield _refusals(chunks, names, wrong[np.argsort(wrong[:, 0])])


def _refusals(chunks: Chunks, names: list[str], wrong: Any) -> pa.RecordBatch:
    """Return refused records with their raw text; they have no values."""
    nothing = pa.nulls(len(wrong), pa.string())
    records = raw_records(chunks.data, wrong)
    problems = pa.array(_PROBLEMS, pa.string()).take(pa.array(wrong[:, 3]))
    return pa.record_batch(
        [pa.array(wrong[:, 2]), *(nothing for _ in names), records, problems],
        names=["position", *names, "record", "problem"],
    )
