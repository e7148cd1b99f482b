"""Cases of troubled raw input: files that a test writes, and what comes out of them as events."""

import io
import json
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import SparkSession

from pipelines.interactions.cleaning import judge_events
from pipelines.interactions.config import EventSettings
from pipelines.interactions.parsing import event_fields
from pipelines.sources.columns import require_columns
from pipelines.sources.delta_tables import live_files
from pipelines.sources.files import common_format, find_files, is_delta, whole_split
from pipelines.sources.records import read_split
from pipelines.sources.request import Request

T = "2024-01-01T00:00:00Z"
"""A time, where times are no trouble."""

Rows = list[tuple[Any, ...]]


@dataclass(frozen=True)
class Case:
    """One troubled input.

    Args:
        files: Bytes by name of the file.
        kept: Events that come out in order: user, item, time without its zone, value, type; what a
            tuple leaves out is not compared.
        rejected: Records that are rejected in order: position (a line, byte or row), rule, raw
            text; also these as far as they are written.
        notes: Notes of all records, in order.
        refused: What the error says where the whole input is refused.
        settings: Settings that are not the default.
    """

    files: dict[str, bytes]
    kept: Rows = field(default_factory=list)
    rejected: Rows = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    refused: str = ""
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def event_settings(self) -> EventSettings:
        """The settings of the case."""
        return EventSettings.model_validate_json(json.dumps(self.settings))


def parquet(*, options: dict[str, Any] | None = None, **columns: Any) -> bytes:
    """Return a Parquet file of one record per value of the longest column, others repeated."""
    columns = {"user": ["u"], "item": ["i"], "time": [T]} | columns
    arrays = {
        name: pa.array(c) if isinstance(c, list) else c
        for name, c in columns.items()
        if c is not None
    }
    count = max(len(array) for array in arrays.values())
    whole = {n: a if len(a) == count else pa.repeat(a[0], count) for n, a in arrays.items()}
    sink = io.BytesIO()
    pq.write_table(pa.table(whole), sink, **(options or {}))
    return sink.getvalue()


def written(write: Callable[[Path], None]) -> dict[str, bytes]:
    """Return the files that a function writes to a folder."""
    with TemporaryDirectory() as name:
        write(Path(name))
        return files_of(Path(name))


def files_of(folder: Path) -> dict[str, bytes]:
    """Return the bytes of all files below a folder, by path."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def ids(array: pa.Array) -> dict[str, bytes]:
    """Return the file of a case whose users are the trouble."""
    return {"a.parquet": parquet(user=array)}


def times(array: pa.Array, **options: Any) -> dict[str, bytes]:
    """Return the file of a case whose times are the trouble."""
    return {"a.parquet": parquet(time=array, options=options)}


def outcomes(spark: SparkSession, folder: Path, cases: dict[str, Case]) -> dict[str, Any]:
    """Read all cases and judge them in one Spark job: by case its records, or the error."""
    found: dict[str, Any] = {}
    batches: list[pa.RecordBatch] = []
    for number, (name, case) in enumerate(cases.items()):
        place = folder / str(number)
        for file, data in case.files.items():
            (place / file).parent.mkdir(parents=True, exist_ok=True)
            (place / file).write_bytes(data)
        try:
            batches += [_named(batch, name) for batch in _read(spark, place, case)]
            found[name] = []
        except Exception as error:  # a test of the case looks at it
            found[name] = error
    frame = spark.createDataFrame(pa.Table.from_batches(batches))
    notes = {tuple(row[:3]): row[3] for row in frame.select(*_KEY, "notes").collect()}
    judged = judge_events(frame, EventSettings()).orderBy(*_KEY)
    for row in judged.collect():
        found[row["case"]].append(row.asDict() | {"notes": notes[tuple(row[n] for n in _KEY)]})
    return found


_KEY = ["case", "source", "position"]


def _read(spark: SparkSession, place: Path, case: Case) -> Iterator[pa.RecordBatch]:
    """Do as `read_records`, without a Spark job."""
    settings = case.event_settings
    request = Request(tuple(event_fields(settings)), settings)
    if is_delta(spark, [str(place)]):
        kind, splits = "parquet", live_files(spark, str(place)).splits
        assert splits is not None
    else:
        found = find_files(spark, [str(place)], settings)
        kind, splits = common_format(found, settings), [whole_split(info) for info in found]
    require_columns(spark, splits, kind, request)
    for split in splits:
        yield from read_split(split, kind, request)


def _named(batch: pa.RecordBatch, name: str) -> pa.RecordBatch:
    columns = {"case": pa.repeat(name, len(batch))} | dict(
        zip(batch.schema.names, batch.columns, strict=True)
    )
    return pa.RecordBatch.from_pydict(columns)


def check(case: Case, found: Any) -> None:
    """Compare a case with its outcome."""
    if isinstance(found, Exception):
        trace = "".join(traceback.format_exception(found))
        assert case.refused, trace
        assert type(found).__name__ == "InputError", trace
        assert case.refused in str(found)
        return
    assert not case.refused, found
    kept = [_event(row) for row in found if not row["reasons"]]
    rejected = [
        (row["position"], " ".join(reason["rule"] for reason in row["reasons"]), row["record"])
        for row in found
        if row["reasons"]
    ]
    assert _as_far(kept, case.kept) == case.kept
    assert _as_far(rejected, case.rejected) == case.rejected
    assert [row["notes"] for row in found if row["notes"]] == case.notes


def _event(row: dict[str, Any]) -> tuple[Any, ...]:
    time = row["time"].replace(tzinfo=None).isoformat()
    return row["user"], row["item"], time, row["value"], row["event_type"]


def _as_far(found: Rows, wanted: Rows) -> Rows:
    """Return rows as far as wanted ones are written; all of a row that is not wanted."""
    lengths = [len(row) for row in wanted] + [99] * len(found)
    return [row[:length] for row, length in zip(found, lengths, strict=False)]
