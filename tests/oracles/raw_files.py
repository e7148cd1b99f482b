"""Raw files of tests: a format's rows as dictionaries, and files that break off."""

from pathlib import Path
from typing import Any

import pyarrow as pa

from pipelines.sources.config import SourceSettings
from pipelines.sources.opening import BREAKS
from pipelines.sources.request import Field, Request
from pipelines.sources.split import Split


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
