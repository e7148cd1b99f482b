"""Raw files of tests: a format's rows as dictionaries, and files that break off."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession

from pipelines.sources.config import SourceSettings
from pipelines.sources.formats import json_lines
from pipelines.sources.request import Field, Request
from pipelines.sources.split import Split
from pipelines.sources.streams.opening import BREAKS
from pipelines.sources.values.completing import completed


def whole(path: Path) -> Split:
    return Split(str(path), path.name, path.stat().st_size)


def asking(*paths: str, **settings: Any) -> Request:
    return Request(tuple(Field(p, p) for p in paths), SourceSettings(**settings))


def rows(form: Any, splits: list[Split], request: Request) -> list[dict[str, Any]]:
    """Return the rows of a format without the columns that are null in them."""
    batches: list[pa.RecordBatch] = [b for split in splits for b in form.read(split, request)]
    return [_present(row) for batch in batches for row in batch.to_pylist()]


def until_broken(form: Any, path: Path, request: Request) -> tuple[list[dict[str, Any]], bool]:
    """Return the rows before a file breaks off, and whether it does."""
    found: list[dict[str, Any]] = []
    try:
        for batch in form.read(whole(path), request):
            found += map(_present, batch.to_pylist())
    except BREAKS:
        return found, True
    return found, False


def _present(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if value is not None}


def json_records(
    spark: SparkSession, given: Sequence[tuple[str, str | None]], request: Request
) -> DataFrame:
    """Return raw records with the problems they already have as a job reads them from JSON lines.

    The source is `log`, the position the record's place in the list.
    """
    places = [n for n, (text, problem) in enumerate(given) if problem is None and _is_line(text)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "log")
        path.write_text("\n".join(given[n][0] for n in places), "utf-8", "surrogatepass")
        batches = [
            completed(b, whole(path), request) for b in json_lines.read(whole(path), request)
        ]
    read = [row for batch in batches for row in batch.to_pylist()]
    assert len(read) == len(places)
    found = dict(zip(places, read, strict=True))
    nothing = dict.fromkeys(request.schema.names) | {"source": "log"}
    rows = []
    for n, (text, problem) in enumerate(given):
        refused = nothing | {"record": text, "problem": problem or "valid_json"}
        rows.append(found.get(n, refused) | {"position": n})
    return spark.createDataFrame(pa.Table.from_pylist(rows, request.schema))


def _is_line(text: str) -> bool:
    return bool(text.strip()) and len(text.encode("utf-8", "replace").split(b"\n")) == 1
