"""The tables of both jobs by polars alone: `_interactions_polars.py INPUT.csv FOLDER CORE`.

It has neither the rules, nor the rejected rows, nor Delta: Parquet files of events, interactions,
ids and sessions as a script that knows its input would make them. It prints seconds as JSON.
"""

import json
import sys
import time
from pathlib import Path

import polars as pl

GAP = 1800  # seconds
LONGEST = 50


def clean(source: str, folder: Path) -> pl.DataFrame:
    """Read and type events, and drop what is incomplete or repeated."""
    columns = dict.fromkeys(("user", "item", "time", "event_type", "value"), pl.String)
    events = (
        pl.scan_csv(source, schema=columns)
        .with_row_index("position")
        .with_columns(
            pl.col("time").str.to_datetime("%Y-%m-%dT%H:%M:%SZ", time_unit="us", strict=False),
            pl.col("value").cast(pl.Float64, strict=False),
        )
        .filter(
            (pl.col("user").fill_null("") != "")
            & (pl.col("item").fill_null("") != "")
            & pl.col("time").is_not_null()
        )
        .collect()
    )
    events = events.unique(
        ["user", "item", "event_type", "value", "time"], keep="first", maintain_order=True
    )
    events.write_parquet(folder / "events.parquet")
    return events


def build(folder: Path, least: int) -> None:
    """Split by time, pair, keep the core, number, and cut sessions."""
    events = pl.read_parquet(folder / "events.parquet")
    ends = [events["time"].quantile(share, "lower") for share in (0.8, 0.9)]
    part = pl.when(pl.col("time") <= ends[0]).then(0).when(pl.col("time") <= ends[1]).then(1)
    events = events.with_columns(part.otherwise(2).alias("part"))
    pairs = events.group_by("user", "item", "part").agg(
        pl.len().alias("count"),
        pl.col("time").min().alias("first_time"),
        pl.col("time").max().alias("last_time"),
    )
    pairs = pairs.sort("part").unique(["user", "item"], keep="first", maintain_order=True)
    core = pairs.filter(pl.col("part") == 0)
    before = -1
    while before != len(core):
        before = len(core)
        for side in ("user", "item"):
            core = core.filter(pl.len().over(side) >= least)
    for side in ("user", "item"):
        ids = core.group_by(side).agg(pl.col("count").sum())
        ids = ids.sort(["count", side], descending=[True, False]).with_row_index(f"{side}_id")
        ids.write_parquet(folder / f"{side}_ids.parquet")
        keys = ids.select(side, f"{side}_id")
        pairs, events = (frame.join(keys, on=side) for frame in (pairs, events))
    pairs.select("user_id", "item_id", "count", "first_time", "last_time", "part").write_parquet(
        folder / "interactions.parquet"
    )
    gap = pl.col("time").diff().over("user").dt.total_seconds()
    train = events.filter(pl.col("part") == 0).sort("user", "time", "position")
    train = train.with_columns((gap.is_null() | (gap > GAP)).cum_sum().alias("session"))
    place = pl.int_range(pl.len()).over("session") // LONGEST
    sessions = (
        train.with_columns(place.alias("piece"))
        .group_by("session", "piece", maintain_order=True)
        .agg(pl.col("user").first(), pl.col("item_id"))
    )
    sessions.filter(pl.col("item_id").list.len() > 1).write_parquet(folder / "sessions.parquet")


def main() -> None:
    """Make all tables, and print the seconds of both halves."""
    source, folder, least = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    folder.mkdir(parents=True, exist_ok=True)
    found = {}
    for name, run in (
        ("clean_events", lambda: clean(source, folder)),
        ("build_interactions", lambda: build(folder, least)),
    ):
        spent, started = time.process_time(), time.perf_counter()
        run()
        found[name] = {
            "wall": round(time.perf_counter() - started, 2),
            "cpu": round(time.process_time() - spent, 2),
        }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
