"""All layouts of `clean_events` write the same tables, whatever the log holds."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from clusters import on_a_cluster
from pyspark.sql import SparkSession

from jobs import clean_events
from pipelines import tables
from pipelines.errors import ConfigError
from pipelines.interactions.config import CleanEventsConfig
from pipelines.results import JobResult
from pipelines.storage.task_files.written_pieces import Scratch
from schemas import EVENTS, REJECTED_EVENTS

USERS = ["ann", " bob", "c\u00e9\u6f22", 'd"e\\f', "g\x01h\ti", " ", "", None, 7]
TIMES = [0, 1, 2, 1700000000, "2024-01-31", "2024-1-31 10:00:00 Europe/Berlin", "soon", None, ""]
TYPES = ["view", "buy", " ", "odd", None]
VALUES = [1, 2.5, -0.0, 0, "3e0", " 4 ", "many", "", None, 9, "1e400"]
IDS = [None, None, None, None, "p", "q", " ", "r"]
SETTINGS: dict[str, Any] = {
    "event_types": ["view", "buy", "event"],
    "min_value": 0,
    "max_value": 5,
    "earliest_time": "1970-01-01T00:00:01",
    "duplicate_window_seconds": 1.5,
    "max_events_per_user": 60,
    "keep_columns": ["kept"],
    "bad_files": "reject",
}
MANY = 700


def write_lines(folder: Path) -> None:
    """Write JSON lines of which most are plainly sound, and many repeat others."""
    random, folder = np.random.default_rng(3), folder / "in"
    folder.mkdir()
    for name in ("a.jsonl", "b.jsonl"):
        lines = []
        for n in range(MANY // 2):
            row: dict[str, Any] = {"user": "ann", "item": "tea", "time": n // 5, "kept": str(n)}
            row |= {"value": n % 2, "event_type": "view"} if n % 7 else {}
            choices = {"user": USERS, "time": TIMES, "event_type": TYPES, "value": VALUES}
            for field, values in (choices | {"event_id": IDS}).items():
                if random.random() < 0.2:
                    row[field] = values[random.integers(len(values))]
            if n == MANY // 4:  # an odd record of more than a block of Hadoop's compression
                row |= {"time": "soon", "kept": random.bytes(300_000).hex()}
            lines.append(json.dumps(row))
        (folder / name).write_text("\n".join([*lines, "rubbish"]), encoding="utf-8")
    (folder / "c.jsonl.gz").write_bytes(b"\x1f\x8b broken")


def write_typed(folder: Path) -> None:
    """Write Parquet whose times and values are typed."""
    start = datetime(2024, 1, 1, tzinfo=UTC)
    numbers = [0.5, 12345678.9, 0.0001, 1e-5, 100.0, float("nan"), None]
    rows = {
        "user": [f"u{min(n % 9, 3)}" for n in range(MANY)],
        "item": ["tea" if n % 3 else "" for n in range(MANY)],
        "time": [start + timedelta(milliseconds=250 * (n // 6)) for n in range(MANY)],
        "value": [numbers[n % 7] for n in range(MANY)],
        "kept": [n if n % 5 else None for n in range(MANY)],
    }
    (folder / "in").mkdir()
    pq.write_table(pa.table(rows), folder / "in" / "log.parquet")


def clean(spark: SparkSession, folder: Path, layout: str, **settings: Any) -> JobResult:
    tree = {
        "inputs": {"events": f"{folder}/in"},
        "outputs": {"events": f"{folder}/{layout}/events"},
        "format": "delta" if layout == "packed" else "parquet",
        "layout": "packed" if layout == "packed" else "blocked",
        **settings,
    }
    return clean_events.run(spark, CleanEventsConfig.model_validate_json(json.dumps(tree)))


def stored(spark: SparkSession, folder: Path) -> dict[str, list[str]]:
    found = {}
    for table in (EVENTS.with_own(["kept"]), REJECTED_EVENTS):
        rows = tables.read(spark, f"{folder}/{table.name}", table).collect()
        assert len({row["event_id"] for row in rows}) == len(rows) > 5
        found[table.name] = sorted(map(str, rows))
    return found


@pytest.mark.parametrize(
    ("write", "changed"),
    [(write_lines, {}), (write_typed, {"max_value": None, "max_events_per_user": 9})],
)
def test_all_layouts_write_the_same_tables(
    spark: SparkSession,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    write: Any,
    changed: dict[str, Any],
) -> None:
    write(tmp_path)
    packed = clean(spark, tmp_path, "packed", **SETTINGS | changed)
    assert packed.rejected.keys() >= {"duplicate_event", "max_events_per_user"}
    expected = stored(spark, tmp_path / "packed")
    for layout in ("blocked", "shuffled"):
        if layout == "shuffled":
            monkeypatch.setattr(Scratch, "folder", lambda *_: None)  # tasks cannot write there
        assert clean(spark, tmp_path, layout, **SETTINGS | changed) == packed
        assert stored(spark, tmp_path / layout) == expected
        assert not [*(tmp_path / layout).glob(".*")]  # what tasks wrote for each other is gone


def test_packed_is_refused_where_tasks_cannot_write(spark: SparkSession, tmp_path: Path) -> None:
    names = ("events", "rejected_events", "rejected_files", "run_counts")
    catalog = {name: f"spark_catalog.default.layouts_{name}" for name in names}
    with pytest.raises(ConfigError, match=r"layout: packed: tasks .* events; set layout: blocked"):
        clean(spark, tmp_path, "packed", outputs=catalog)


@pytest.mark.slow
def test_a_cluster_writes_the_same_tables(spark: SparkSession, tmp_path: Path) -> None:
    write_lines(tmp_path)
    clean(spark, tmp_path, "packed", **SETTINGS)
    given = SETTINGS | {"layout": "blocked", "inputs.events": f"{tmp_path}/in"}
    given["outputs.events"] = f"{tmp_path}/cluster/events"
    on_a_cluster("clean_events", tmp_path, given)
    assert stored(spark, tmp_path / "cluster") == stored(spark, tmp_path / "packed")
