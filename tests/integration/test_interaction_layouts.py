"""Both layouts of `build_interactions` write the same tables, and the same on grown input."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pyspark.sql import SparkSession

from jobs import build_interactions
from pipelines import tables
from pipelines.errors import GateError, InputError
from pipelines.interactions.config import BuildInteractionsConfig
from pipelines.results import JobResult
from schemas import EVENTS, TABLES

START = datetime(1700, 1, 1, 23, tzinfo=UTC)  # nanoseconds do not reach it
LAYOUTS = ("packed", "blocked")
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
        "layout": layout,
        **settings,
    }
    config = BuildInteractionsConfig.model_validate_json(json.dumps(tree))
    return build_interactions.run(spark, config)


def stored(spark: SparkSession, folder: Path, layout: str) -> dict[str, list[Any]]:
    frames = {
        name: tables.read(spark, f"{folder}/{layout}/{name}", TABLES[name]) for name in OUTPUTS
    }
    return {name: sorted(map(tuple, frame.collect())) for name, frame in frames.items()}


def test_both_layouts_write_the_same_tables(spark: SparkSession, tmp_path: Path) -> None:
    for count, users in ((150, "uvwxyz"), (200, "tuvwé\u6f22")):
        store_events(spark, tmp_path, count, users)
        packed, blocked = (build(spark, tmp_path, each, **SETTINGS) for each in LAYOUTS)
        packed.rows_out = {name: packed.rows_out[name] for name in blocked.rows_out}
        assert packed == blocked
        found = [stored(spark, tmp_path, each) for each in LAYOUTS]
        assert found[0] == found[1]
        assert all(found[0].values())
    assert {row[3] for row in found[0]["user_ids"]} == {True, False}


def test_a_packed_run_ends_as_a_blocked_one_where_nothing_is_left(
    spark: SparkSession, tmp_path: Path
) -> None:
    store_events(spark, tmp_path, 20, "uv")
    with pytest.raises(GateError, match=r"min_user_interactions: 9 .* leave no training pairs"):
        build(spark, tmp_path, "packed", min_user_interactions=9)
    with pytest.raises(InputError, match="no events to build from"):
        build(spark, tmp_path, "packed", unlisted_event_weight=0)
    assert not [*(tmp_path / "packed").rglob("*.parquet")]
