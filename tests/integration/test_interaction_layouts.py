"""All layouts of `build_interactions` write the same tables, and the same on grown input."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from clusters import on_a_cluster
from pyspark.sql import SparkSession

from jobs import build_interactions
from pipelines import tables
from pipelines.errors import GateError, InputError
from pipelines.interactions.blocked import build_tables
from pipelines.interactions.config import BuildInteractionsConfig
from pipelines.results import JobResult
from pipelines.storage.task_files.written_pieces import Scratch
from schemas import EVENTS, TABLES

START = datetime(1700, 1, 1, 23, tzinfo=UTC)  # nanoseconds do not reach it
OUTPUTS = ("interactions", "sessions", "user_ids", "item_ids")
SETTINGS = {
    "event_weights": {"buy": 2.5, "drop": 0, "nobody": 1},
    "use_value_as_weight": True,
    "half_life_days": 0.01,
    "max_weight": 40.0,
    "min_user_interactions": 3,
    "min_item_interactions": 2,
    "valid_share": 0.1,
    "test_share": 0.15,
    "session_gap_seconds": 100,
    "max_session_length": 4,
}


def store_events(spark: SparkSession, folder: Path, count: int, users: str) -> None:
    """Write random events, several at each second, of which some have no value."""
    random = np.random.default_rng(count)
    rows = []
    for n in random.permutation(count).tolist():
        user, item = random.choice([*users]), random.choice([*"bcdéf1\u6f22"])
        user = f"rare {n}" if n % 8 == 7 else user
        kind, value = random.choice(["view", "buy", "drop"]), float(random.exponential(3))
        time = START + timedelta(seconds=n // 3 * 17)
        rows.append((f"{n:04}", user, item, kind, None if n % 19 == 0 else value, time, "log"))
    frame = spark.createDataFrame(rows, EVENTS.schema()).repartition(3)
    tables.write(frame, EVENTS, f"{folder}/events", format="parquet", part={}, metadata={})


def build(spark: SparkSession, folder: Path, layout: str, **settings: Any) -> JobResult:
    tree = {
        "inputs": {"events": f"{folder}/events"},
        "outputs": {"interactions": f"{folder}/{layout}/interactions"},
        "format": "delta" if layout == "packed" else "parquet",
        "layout": "packed" if layout == "packed" else "blocked",
        **settings,
    }
    config = BuildInteractionsConfig.model_validate_json(json.dumps(tree))
    return build_interactions.run(spark, config)


def stored(spark: SparkSession, folder: Path, layout: str) -> dict[str, list[Any]]:
    frames = {
        name: tables.read(spark, f"{folder}/{layout}/{name}", TABLES[name]) for name in OUTPUTS
    }
    return {name: sorted(map(tuple, frame.collect())) for name, frame in frames.items()}


def forced(layout: str, patch: pytest.MonkeyPatch) -> None:
    """Have layout blocked end where events or pairs are too many, or tasks cannot write."""
    if layout == "numbered by shuffles":
        patch.setattr(build_tables, "_PAIR", 1 << 50)
    if layout == "shuffled":
        patch.setattr(Scratch, "folder", lambda *_: None)


@pytest.mark.parametrize(
    "layout",
    ["blocked", "numbered by shuffles", pytest.param("shuffled", marks=pytest.mark.slow)],
)
def test_all_layouts_write_the_same_tables(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, layout: str
) -> None:
    for count, users in ((150, "uvwxyz"), (200, "tuvwé\u6f22")):
        store_events(spark, tmp_path, count, users)
        packed = build(spark, tmp_path, "packed", **SETTINGS)
        expected = stored(spark, tmp_path, "packed")
        assert all(expected.values())
        assert packed.rejected.keys() >= {"k_core", "not_in_train", "repeated_pair"}
        with monkeypatch.context() as patch:
            forced(layout, patch)
            assert build(spark, tmp_path, layout, **SETTINGS) == packed
        assert stored(spark, tmp_path, layout) == expected
        assert not [*(tmp_path / layout).glob(".*")]  # what tasks wrote for each other is gone
    assert {row[3] for row in expected["user_ids"]} == {True, False}


def test_events_without_times_are_all_for_training(spark: SparkSession, tmp_path: Path) -> None:
    rows = [(str(n), "uvw"[n % 3], "abcd"[n % 4], "view", None, None, "log") for n in range(24)]
    frame = spark.createDataFrame(rows, EVENTS.schema())
    tables.write(frame, EVENTS, f"{tmp_path}/events", format="parquet", part={}, metadata={})
    settings = {"valid_share": 0, "test_share": 0}
    packed, blocked = (build(spark, tmp_path, each, **settings) for each in ("packed", "blocked"))
    assert packed == blocked
    assert packed.rows_out["interactions"] == 12
    assert stored(spark, tmp_path, "packed") == stored(spark, tmp_path, "blocked")


@pytest.mark.parametrize("layout", ["packed", "blocked"])
def test_a_run_ends_where_nothing_is_left(spark: SparkSession, tmp_path: Path, layout: str) -> None:
    store_events(spark, tmp_path, 20, "uv")
    with pytest.raises(GateError, match=r"min_user_interactions: 9 .* leave no training pairs"):
        build(spark, tmp_path, layout, min_user_interactions=9)
    with pytest.raises(InputError, match="no events to build from"):
        build(spark, tmp_path, layout, unlisted_event_weight=0)
    assert not [*(tmp_path / layout).rglob("*.parquet")]


@pytest.mark.slow
def test_a_cluster_writes_the_same_tables(spark: SparkSession, tmp_path: Path) -> None:
    store_events(spark, tmp_path, 200, "uvwxyz")
    build(spark, tmp_path, "packed", **SETTINGS)
    given = {"layout": "blocked", "format": "parquet", "inputs.events": f"{tmp_path}/events"}
    given["outputs.interactions"] = f"{tmp_path}/cluster/interactions"
    on_a_cluster("build_interactions", tmp_path, SETTINGS | given)
    assert stored(spark, tmp_path, "cluster") == stored(spark, tmp_path, "packed")
