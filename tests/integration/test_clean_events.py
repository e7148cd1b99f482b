"""`clean_events` from files on disk to tables, as a user runs it."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from jobs import clean_events
from pipelines import tables
from pipelines.errors import ConfigError, GateError, InputError
from pipelines.interactions.config import CleanEventsConfig
from schemas import TABLES

GOOD = {"user": "u", "item": "i", "time": "2024-01-01T00:00:00Z"}


def config(source: Path, out: Path, **settings: Any) -> CleanEventsConfig:
    tree = {
        "inputs": {"events": str(source)},
        "outputs": {"events": f"{out}/events"},
        "format": "parquet",
        **settings,
    }
    return CleanEventsConfig.model_validate_json(json.dumps(tree))


def table(spark: SparkSession, out: Path, name: str) -> DataFrame:
    return tables.read(spark, f"{out}/{name}", TABLES[name])


def test_a_csv_with_other_names_becomes_events(spark: SparkSession, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "log.csv").write_text(
        "when;who;what;how;stars\n"
        "31.01.2024 10:00;ann;tea;buy;5\n"
        "31.01.2024 10:00;ann;tea;buy;5\n"
        "31.01.2024 10:01;ann;tea\n"
        "31.01.2024 10:02;;tea;buy;\n"
        "2024;bob;tea;buy;many\n"
        "31.01.2024 10:03;bob;milk;view;\n",
        encoding="utf-8",
    )
    columns = {"user": "who", "item": "what", "time": "when", "event_type": "how", "value": "stars"}
    wanted = config(
        tmp_path / "in",
        tmp_path,
        columns=columns,
        format="delta",
        time_format="dd.MM.yyyy HH:mm",
        time_zone="Europe/Berlin",
    )
    result = clean_events.run(spark, wanted)
    assert result.rows_in == {"events": 6}
    assert result.rows_out == {"events": 2, "rejected_events": 4, "rejected_files": 0}
    assert result.rejected == {
        "column_count": 1,
        "duplicate_event": 1,
        "has_user": 1,
        "valid_time": 1,
        "valid_value": 1,
    }
    assert result.measures == {
        "first_time": "2024-01-31 09:00:00",
        "last_time": "2024-01-31 09:03:00",
    }
    kept = table(spark, tmp_path, "events").orderBy("time")
    assert [
        tuple(row) for row in kept.select("user", "item", "event_type", "value", "source").collect()
    ] == [("ann", "tea", "buy", 5.0, "log.csv"), ("bob", "milk", "view", None, "log.csv")]
    rejected = table(spark, tmp_path, "rejected_events").orderBy("position").collect()
    assert [row["position"] for row in rejected] == [3, 4, 5, 6]  # lines, as an editor shows them
    assert rejected[1]["record"] == "31.01.2024 10:01;ann;tea"


def test_a_truncated_file_fails_or_is_listed(spark: SparkSession, tmp_path: Path) -> None:
    lines = "".join(json.dumps(GOOD | {"user": f"u{n}"}) + "\n" for n in range(3000))
    packed = gzip.compress(lines.encode())
    source = tmp_path / "in"
    source.mkdir()
    (source / "a.jsonl").write_bytes(json.dumps(GOOD).encode() + b'\n{"user": "\xff"}\nrubbish\n')
    (source / "b.jsonl.gz").write_bytes(packed[: len(packed) // 2])
    with pytest.raises(Exception, match=r"b\.jsonl\.gz: cannot be read to its end"):
        clean_events.run(spark, config(source, tmp_path / "fail"))
    result = clean_events.run(spark, config(source, tmp_path / "listed", bad_files="reject"))
    assert result.rows_out["rejected_files"] == 1
    assert result.rejected["valid_utf8"] == result.rejected["valid_json"] == 1
    assert (
        result.rows_in["events"] == result.rows_out["events"] + result.rows_out["rejected_events"]
    )
    (listed,) = table(spark, tmp_path / "listed", "rejected_files").collect()
    assert (listed["path"], listed["size"]) == ("b.jsonl.gz", len(packed) // 2)


def test_running_again_replaces_the_same_rows(spark: SparkSession, tmp_path: Path) -> None:
    source = tmp_path / "log.jsonl"
    rows = [GOOD | {"event_id": str(n % 3), "time": n} for n in range(5)]
    source.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    found = []
    for _ in range(2):
        clean_events.run(spark, config(source, tmp_path))
        found.append(
            {
                name: sorted(map(tuple, table(spark, tmp_path, name).collect()))
                for name in ("events", "rejected_events")
            }
        )
    assert found[0] == found[1]
    assert [row[0] for row in found[0]["events"]] == ["0", "1", "2"]
    assert len({row[0] for row in found[0]["rejected_events"]}) == 2


def test_parquet_events_are_read(spark: SparkSession, tmp_path: Path) -> None:
    frame = spark.sql(
        "SELECT 'u' AS user, 7L AS item, TIMESTAMP '2024-01-01 00:00:00.25Z' AS time, 1.5D AS value"
    )
    frame.coalesce(1).write.parquet(f"{tmp_path}/in")
    for unwanted in [*(tmp_path / "in").glob("_*"), *(tmp_path / "in").glob(".*")]:
        unwanted.unlink()
    result = clean_events.run(spark, config(tmp_path / "in", tmp_path))
    assert result.rows_out["events"] == 1
    (row,) = table(spark, tmp_path, "events").collect()
    assert (row["user"], row["item"], row["value"]) == ("u", "7", 1.5)
    assert result.measures["first_time"] == "2024-01-01 00:00:00.25"


def test_wrong_names_times_and_shares_end_the_job(spark: SparkSession, tmp_path: Path) -> None:
    source = tmp_path / "log.csv"
    source.write_text("customer,item,time\nann,tea,soon\nbob,tea,now\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"columns\.user.*customer, item, time"):
        clean_events.run(spark, config(source, tmp_path))
    columns = {"user": "customer"}
    with pytest.raises(GateError, match=r"all 2 records were rejected.*valid_time"):
        clean_events.run(spark, config(source, tmp_path, columns=columns))
    with pytest.raises(GateError, match=r"allowed share 0\.5"):
        clean_events.run(spark, config(source, tmp_path, columns=columns, max_rejected_share=0.5))
    with pytest.raises(ConfigError, match="time_zone"):
        clean_events.run(spark, config(source, tmp_path, time_zone="Mars"))
    (tmp_path / "notes.txt").write_text("x", encoding="utf-8")
    with pytest.raises(InputError, match=r"no column .user. \(columns\.user\); there are: text"):
        clean_events.run(spark, config(tmp_path / "notes.txt", tmp_path))
