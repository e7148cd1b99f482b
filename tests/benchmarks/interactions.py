"""Both jobs of interactions on generated events, by layout, beside polars and an older commit.

Seconds of the second run in a session with two cores. EVENTS is the number of events, LAYOUTS which
layouts run (`packed,blocked`), OLD a worktree of an older vectormill. Polars makes Parquet files of
the kept rows alone: it has no rules, no rejected rows and no Delta (`_interactions_polars.py`).
"""

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import _measuring
import numpy as np
import polars as pl
from sources import measured

EVENTS = int(os.environ.get("EVENTS", "1000000"))
LAYOUTS = os.environ.get("LAYOUTS", "packed,blocked").split(",")
OLD = os.environ.get("OLD")
CORE = "5"
USERS, ITEMS = 60_000, 15_000
DAYS = 90
JOBS = ("clean_events", "build_interactions")
TWO = {"POLARS_MAX_THREADS": "2", "ARROW_NUM_THREADS": "2"}
HERE = Path(__file__).resolve().parent


def write_events(path: Path, count: int) -> None:
    """Write CSV in the order of time: 1 % lacks a user or has no time, 2 % stand twice."""
    random = np.random.default_rng(3)

    def skewed(size: int, power: float) -> np.ndarray:
        edges = np.cumsum(1 / np.arange(1, size + 1) ** power)
        places = np.searchsorted(edges / edges[-1], random.random(count))
        return random.permutation(size)[np.minimum(places, size - 1)]

    users, items, bad = skewed(USERS, 0.6), skewed(ITEMS, 0.8), random.random(count)
    seconds = np.sort(random.integers(0, DAYS * 86_400, count)) + 1_700_000_000
    kinds = random.choice(["view", "cart", "purchase"], count, p=[0.85, 0.1, 0.05])
    frame = pl.DataFrame({"n": users, "i": items, "t": seconds, "event_type": kinds, "bad": bad})
    time = pl.from_epoch("t").dt.strftime("%Y-%m-%dT%H:%M:%SZ")
    is_late = pl.col("bad").is_between(0.005, 0.01)
    frame = frame.select(
        pl.when(pl.col("bad") < 0.005)
        .then(pl.lit(""))
        .otherwise(pl.format("u{}", "n"))
        .alias("user"),
        pl.format("item-{}", "i").alias("item"),
        pl.when(is_late).then(pl.lit("soon")).otherwise(time).alias("time"),
        "event_type",
        pl.Series("value", np.round(random.random(count) * 50, 2)),
    )
    pl.concat([frame, frame.sample(count // 50, seed=1)]).write_csv(path)


def ours(source: Path, folder: Path, root: Path, **settings: str) -> dict[str, Any]:
    """Run both jobs of a vectormill."""
    script = [str(HERE / "_interactions_job.py"), str(source), str(folder)]
    more = {"SETTINGS": json.dumps(settings), "CORE": CORE, "PYTHONPATH": str(root)} | TWO
    found = measured(script, root, **more)
    print(root.name, settings, found, file=sys.stderr)
    return found


def rows(case: str, own: dict[str, Any], peer: str, its: dict[str, Any]) -> list[dict[str, Any]]:
    """Return rows of the table: wall and processor seconds of each job beside a peer's."""
    return [
        {
            "case": f"{job}, {case}, {EVENTS / 1e6:g} M events",
            "metric": f"seconds, {kind}",
            "ours": own[job][kind],
            "peer": peer,
            "peer_value": its[job][kind],
            "quality": {"spark_jobs": own[job]["jobs"], "rows": own[job]["rows"]},
        }
        for job in JOBS
        for kind in ("wall", "cpu")
        if job in its
    ]


def main() -> None:
    """Measure each layout, polars, and the older commit where it is given."""
    found = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = folder / "events.csv"
        write_events(source, EVENTS)
        peers = {f"polars {pl.__version__}": polars(source, folder)}
        if OLD:
            peers[Path(OLD).name] = ours(source, folder / "old", Path(OLD))
        for layout in LAYOUTS:
            own = ours(source, folder / layout, _measuring.ROOT, layout=layout)
            for peer, its in peers.items():
                found += rows(layout, own, peer, its)
    _measuring.write("interactions", found)


def polars(source: Path, folder: Path) -> dict[str, Any]:
    """Run the script of polars."""
    script = [str(HERE / "_interactions_polars.py"), str(source), str(folder / "polars"), CORE]
    found = measured(script, **TWO)
    print("polars", found, file=sys.stderr)
    return found


if __name__ == "__main__":
    main()
