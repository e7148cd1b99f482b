"""`build_interactions` from a table of events to tables, run again and on grown input."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from jobs import build_interactions, clean_events
from pipelines import tables
from pipelines.errors import InputError
from pipelines.interactions.config import BuildInteractionsConfig
from schemas import EVENTS, INTERACTIONS, TABLES

START = datetime(2024, 1, 1, tzinfo=UTC)
OUTPUTS = ("interactions", "sessions", "user_ids", "item_ids")
Rows = dict[str, list[tuple[Any, ...]]]


def store_events(spark: SparkSession, folder: Path, events: str, *, parts: int = 2) -> None:
    """Write one event a minute; `u:a` is user u and item a, `u:a*` the same as a purchase."""
    rows = []
    for minute, text in enumerate(events.split()):
        user, item = text.rstrip("*").split(":")
        kind = "buy" if text.endswith("*") else "view"
        time = START + timedelta(minutes=minute)
        rows.append((f"{minute:03}", user, item, kind, None, time, "log"))
    frame = spark.createDataFrame(rows, EVENTS.schema()).repartition(parts)
    tables.write(frame, EVENTS, f"{folder}/events", format="parquet", part={}, metadata={})


def config(folder: Path, **settings: Any) -> BuildInteractionsConfig:
    tree = {
        "inputs": {"events": f"{folder}/events"},
        "outputs": {"interactions": f"{folder}/interactions"},
        "format": "parquet",
        "valid_share": 0.2,
        "test_share": 0.2,
        **settings,
    }
    return BuildInteractionsConfig.model_validate_json(json.dumps(tree))


def read(spark: SparkSession, folder: Path) -> Rows:
    found = {}
    for name in OUTPUTS:
        frame = tables.read(spark, f"{folder}/{name}", TABLES[name])
        if name == "interactions":
            frame = frame.withColumns(
                {
                    time: F.unix_seconds(time) - int(START.timestamp())
                    for time in ("first_time", "last_time")
                }
            )
        found[name] = sorted(map(tuple, frame.collect()))
    return found


LOG = "u:a u:b v:a v:b* u:a w:c  u:c v:c  u:d v:a"  # six train, two valid, two test


def test_tables_follow_from_events(spark: SparkSession, tmp_path: Path) -> None:
    store_events(spark, tmp_path, LOG)
    result = build_interactions.run(spark, config(tmp_path, event_weights={"buy": 4}))
    found = read(spark, tmp_path)
    # training events: u 3, v 2, w 1; a 3, b 2, c 1
    assert found["user_ids"] == [(0, "u", 3, False), (1, "v", 2, False), (2, "w", 1, False)]
    assert found["item_ids"] == [(0, "a", 3, False), (1, "b", 2, False), (2, "c", 1, False)]
    assert found["interactions"] == [
        (0, 0, 2.0, 2, 0, 240, "train"),
        (0, 1, 1.0, 1, 60, 60, "train"),
        (0, 2, 1.0, 1, 360, 360, "valid"),
        (1, 0, 1.0, 1, 120, 120, "train"),
        (1, 1, 4.0, 1, 180, 180, "train"),
        (1, 2, 1.0, 1, 420, 420, "valid"),
        (2, 2, 1.0, 1, 300, 300, "train"),
    ]
    assert found["sessions"] == [("u:000000", "u", [0, 1, 0]), ("v:000000", "v", [0, 1])]
    assert result.rows_in == {"events": 10}
    assert result.rejected == {"not_in_train": 1, "repeated_pair": 1}
    assert result.rows_out == {"interactions": 7, "sessions": 2, "user_ids": 3, "item_ids": 3}
    assert result.measures == {"events_kept": 8, "sessions_too_short": 1}
    counts = tables.read(spark, f"{tmp_path}/run_counts", TABLES["run_counts"])
    assert counts.where("kind = 'rejected'").count() == 2


@pytest.mark.slow
def test_core_and_dropped_types_are_counted(spark: SparkSession, tmp_path: Path) -> None:
    store_events(spark, tmp_path, LOG)
    result = build_interactions.run(
        spark,
        config(tmp_path, min_user_interactions=2, event_weights={"buy": 0, "bye": 1}),
    )
    # without the purchase six train (u:a u:b v:a u:a w:c u:c), and only u has two items;
    # v:a twice, w:c and v:c fall with v and w, u:d was never seen
    assert result.rejected == {"event_weight": 1, "k_core": 4, "not_in_train": 1}
    assert result.rows_out["interactions"] == 3
    assert result.measures["events_kept"] == 4
    assert result.lines == ["event_weights: no event is of type 'bye'"]


@pytest.mark.slow
@pytest.mark.parametrize("stored_as", ["parquet", "delta"])
def test_ids_stay_when_events_change(spark: SparkSession, tmp_path: Path, stored_as: str) -> None:
    wanted = config(tmp_path, format=stored_as, valid_share=0, test_share=0)

    def run(events: str, parts: int) -> tuple[Rows, str]:
        store_events(spark, tmp_path, events, parts=parts)
        build_interactions.run(spark, wanted)
        return read(spark, tmp_path), tables.version(spark, f"{tmp_path}/interactions")

    first, _ = run("u:a v:a v:b", 1)
    grown, version = run("x:a x:b x:c x:d u:d w:a", 3)
    assert [row[:2] for row in grown["user_ids"]] == [(0, "v"), (1, "u"), (2, "x"), (3, "w")]
    assert [row[3] for row in grown["user_ids"]] == [True, False, False, False]
    assert [row[:2] for row in first["item_ids"]] == [(0, "a"), (1, "b")]
    assert [row[:2] for row in grown["item_ids"]] == [(0, "a"), (1, "b"), (2, "d"), (3, "c")]
    build_interactions.run(spark, wanted)
    assert read(spark, tmp_path) == grown
    assert tables.version(spark, f"{tmp_path}/interactions") == version


def test_events_without_times_are_all_for_training_and_make_no_sessions(
    spark: SparkSession, tmp_path: Path
) -> None:
    (tmp_path / "ratings.csv").write_text("user,item,value\nann,tea,5\nann,milk,3\nbob,tea,1\n")
    cleaned = clean_events.CONFIG.model_validate(
        {
            "inputs": {"events": str(tmp_path / "ratings.csv")},
            "outputs": {"events": str(tmp_path / "events")},
            "columns": {"time": None},
            "format": "parquet",
        }
    )
    assert clean_events.run(spark, cleaned).rows_out["events"] == 3
    with pytest.raises(InputError, match="no event has a time, which valid_share and test_share"):
        build_interactions.run(spark, config(tmp_path))
    result = build_interactions.run(spark, config(tmp_path, valid_share=0, test_share=0))
    assert (result.rows_out["interactions"], result.rows_out["sessions"]) == (3, 0)
    pairs = tables.read(spark, f"{tmp_path}/interactions", INTERACTIONS).collect()
    assert {(row["split"], row["first_time"], row["last_time"]) for row in pairs} == {
        ("train", None, None)
    }
