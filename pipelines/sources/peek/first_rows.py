"""The first rows of a file as strings, with those that are refused."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa

from pipelines.sources.config import SourceSettings
from pipelines.sources.formats.registry import format_named
from pipelines.sources.names import BROKEN_FILE
from pipelines.sources.request import Field, Request
from pipelines.sources.split import Split
from pipelines.sources.streams.opening import BREAKS
from pipelines.sources.values.completing import completed

ROWS = 1000
"""Rows that a look reads."""
_SHOWN = 200  # characters of a refused record
_QUOTINGS = ({"quote": None}, {"quote": "'"}, {"escape": "\\"})
"""How else files of CSV are quoted, tried where rows are refused."""


@dataclass(frozen=True)
class Problem:
    """A row that is refused.

    Args:
        rule: The rule of `names.PROBLEMS`, or `readable_file` where the file breaks off.
        position: Place of the row: line of CSV, byte of other text, number of a Parquet row.
        record: The row, cut to 200 characters; for a broken file the error.
    """

    rule: str
    position: int
    record: str


@dataclass(frozen=True)
class FirstRows:
    """The first rows of a file.

    Args:
        values: Values of the sound rows by column; columns of lists have none.
        lists: Columns whose values are lists or objects.
        repeated: Names that several columns have, which cannot be read.
        problems: Rows that are refused.
        notes: How often something was changed, by the names of `names.NOTES`.
        count: Rows that were read, the refused ones included.
    """

    values: dict[str, list[str | None]]
    lists: tuple[str, ...]
    repeated: tuple[str, ...]
    problems: tuple[Problem, ...]
    notes: dict[str, int]
    count: int


def first_rows(split: Split, kind: str, settings: SourceSettings) -> FirstRows:
    """Read the first rows of all columns.

    Raises:
        InputError: The file is not of the format.
        OSError: It breaks off before its first row.
    """
    listed = Counter([*split.partitions, *format_named(kind).columns(split, Request((), settings))])
    repeated = tuple(name for name, count in listed.items() if count > 1)
    names = [name for name, count in listed.items() if count == 1]
    rows, error = _read(split, kind, settings, names)
    lists: tuple[str, ...] = ()
    if "scalar_value" in rows["problem"].to_pylist():
        lists = tuple(n for n in names if _is_list(split, kind, settings, n))
        rows, error = _read(split, kind, settings, [n for n in names if n not in lists])
    refused = rows.filter(rows["problem"].is_valid())
    sound = rows.filter(rows["problem"].is_null())
    kept = [name for name in names if name not in lists]
    return FirstRows(
        values={name: sound[f"c{n}"].to_pylist() for n, name in enumerate(kept)},
        lists=lists,
        repeated=repeated,
        problems=(*_problems(refused), *_break(split, error)),
        notes=dict(Counter(w for text in sound["notes"].to_pylist() for w in (text or "").split())),
        count=len(rows),
    )


def quoting(split: Split, settings: SourceSettings) -> dict[str, str | None]:
    """Return the settings by which a CSV file reads best; none where the defaults do."""
    usual = first_rows(split, "csv", settings)
    if usual.values and all(re.fullmatch("'.+'", name) for name in usual.values):
        return {"quote": "'"}
    if not usual.problems:
        return {}
    for changes in _QUOTINGS:
        found = first_rows(split, "csv", settings.model_copy(update=changes))
        if 10 * len(found.problems) <= len(usual.problems) and not _has_quotes(found):
            return dict(changes)
    return {}


def _has_quotes(found: FirstRows) -> bool:
    """Tell whether values have quotes around them, which are then no part of them."""
    values = (value for column in found.values.values() for value in column if value)
    return any(re.fullmatch("(?s)\".*\"|'.*'", value) for value in values)


def _is_list(split: Split, kind: str, settings: SourceSettings, name: str) -> bool:
    """Tell whether most values of a column are lists or objects."""
    rows, _ = _read(split, kind, settings, [name])
    wrong = int(rows["problem"].to_pylist().count("scalar_value"))
    given = len(rows) - int(rows["c0"].null_count)
    return wrong > given


def _read(
    split: Split, kind: str, settings: SourceSettings, names: Sequence[str]
) -> tuple[pa.Table, Exception | None]:
    """Return the first rows by position, and the error where the file breaks off after them."""
    fields = tuple(Field(f"c{n}", name) for n, name in enumerate(names))
    request = Request(fields, settings)
    batches: list[pa.RecordBatch] = []
    error = None
    try:
        batches.extend(
            completed(batch.slice(0, ROWS), split, request)
            for batch in _enough(split, kind, request)
        )
    except BREAKS as broken:
        error = broken
        if not batches:
            raise
    table = pa.Table.from_batches(batches, request.schema).combine_chunks()
    return table.sort_by("position").slice(0, ROWS), error


def _enough(split: Split, kind: str, request: Request) -> Iterator[pa.RecordBatch]:
    """Yield batches until there are enough rows; refused ones may follow the sound ones of CSV."""
    count, last = 0, -1
    for batch in filter(len, format_named(kind).read(split, request)):
        if count >= ROWS and batch.column(0)[0].as_py() > last:
            return
        yield batch
        count += len(batch)
        last = max(last, batch.column(0)[min(len(batch), ROWS) - 1].as_py())
        if count >= ROWS and kind != "csv":
            return


def _problems(refused: pa.Table) -> Iterator[Problem]:
    for row in refused.select(["problem", "position", "record"]).to_pylist():
        yield Problem(row["problem"], row["position"], (row["record"] or "")[:_SHOWN])


def _break(split: Split, error: Exception | None) -> Iterator[Problem]:
    if error is not None:
        yield Problem(BROKEN_FILE, split.size, str(error)[:_SHOWN])
