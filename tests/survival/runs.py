"""Small inputs for the four jobs that replace several tables, and what their readers see."""

import importlib
import json
from datetime import UTC, datetime, timedelta
from itertools import cycle
from types import SimpleNamespace

import pytest

from pipelines import tables
from pipelines.storage import staging
from pipelines.storage.delta import delta_staging
from pipelines.table_store import TableStore
from schemas import DOCUMENTS, EVENTS, TABLES

SOURCES = {
    "clean_corpus": "corpus",
    "clean_events": "events",
    "build_interactions": "events",
    "tokenize_corpus": "documents",
}
OUTPUTS = {
    "clean_corpus": ["documents", "rejected_documents", "duplicate_documents", "rejected_files"],
    "clean_events": ["events", "rejected_events", "rejected_files"],
    "build_interactions": ["user_ids", "item_ids", "interactions", "sessions"],
    "tokenize_corpus": ["vocabulary", "sentences"],
}  # in the order of their commits
_DAY = datetime(2024, 1, 1, tzinfo=UTC)


def prepare(spark, folder, job, count):
    """Put an input of so many records in its place."""
    place = folder / "in"
    if job == "clean_corpus":
        records = [{"text": f"the document {n} has more than five words"} for n in range(count)]
        _put_lines(place, [*records, {"text": "x"}])
    elif job == "clean_events":
        records = [
            {"user": f"u{n}", "item": "i", "time": str(_DAY + timedelta(days=n))}
            for n in range(count)
        ]
        _put_lines(place, [*records, {"user": "u", "item": "i", "time": "noon"}])
    elif job == "build_interactions":
        rows = [
            (str(n), f"u{n % 3}", f"i{n % 4}", "view", None, _DAY + timedelta(minutes=n), "log")
            for n in range(count)
        ]
        _put_table(spark, place, rows, EVENTS)
    else:
        rows = [
            (f"d{n}", "f", n, f"the cat {verb}", "en", 1.0, 0, 0, 0, 0.0, 0.0, 0.0, 0.0)
            for n, verb in zip(range(count), cycle(("ran", "sat")), strict=False)
        ]
        _put_table(spark, place, rows, DOCUMENTS)


def _put_lines(place, records):
    place.mkdir(exist_ok=True)
    lines = [json.dumps(record) + "\n" for record in records]
    (place / "a.jsonl").write_text("".join(lines), encoding="utf-8")


def _put_table(spark, place, rows, table):
    frame = spark.createDataFrame(rows, table.schema()).coalesce(1)
    tables.write(frame, table, str(place), format="parquet", part={}, metadata={})


def settings(folder, job, stored, **more):
    """Return the configuration of a job, as a tree."""
    own = {"min_count": 2} if job == "tokenize_corpus" else {}
    return {
        "inputs": {SOURCES[job]: str(folder / "in")},
        "outputs": {OUTPUTS[job][0]: str(folder / "out" / OUTPUTS[job][0])},
        "format": stored,
        **own,
        **more,
    }


def work(spark, folder, job, stored, **more):
    """Run a job."""
    module = importlib.import_module(f"jobs.{job}")
    return module.run(spark, module.CONFIG.model_validate(settings(folder, job, stored, **more)))


def rows_of(spark, folder, job):
    """Return the rows of all tables of a job, as a job that reads them together sees them."""
    inputs = SimpleNamespace(**{name: str(folder / "out" / name) for name in OUTPUTS[job]})
    store = TableStore(spark, SimpleNamespace(inputs=inputs), job="reader")
    frames = store.read_all(**{name: TABLES[name] for name in OUTPUTS[job]})
    return {name: sorted(map(str, frame.collect())) for name, frame in frames.items()}


def content(folder):
    """Return the bytes of all files below a folder, by path."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def require_unchanged(before, after, stored):
    """Require the same bytes; Delta may leave files of no rows, which no version names."""
    assert {name: after.get(name) for name in before} == before
    more = set(after) - set(before)
    assert not more or stored == "delta"
    assert [name for name in more if "_delta_log" in name] == []


def some(values, is_fast):
    """Return all combinations of values and formats, slow but for some."""
    pairs = [(value, stored) for value in values for stored in ("delta", "parquet")]
    return [pytest.param(*pair, marks=() if is_fast(*pair) else pytest.mark.slow) for pair in pairs]


def fail_at(monkeypatch, number):
    """Make the commit of this number fail."""
    done = []
    for kind in (delta_staging.StagedDelta, staging._StagedParquet):

        def commit(self, metadata, real=kind.commit):
            if len(done) == number:
                raise RuntimeError("lost")
            done.append(metadata)
            real(self, metadata)

        monkeypatch.setattr(kind, "commit", commit)
