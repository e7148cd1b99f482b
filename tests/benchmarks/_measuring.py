"""What every benchmark shares: where the data is, paired repetitions, the table and its JSON."""

import json
import math
import os
import statistics
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("BENCH_DATA", ROOT.parent / "shared" / "data"))
REPETITIONS = int(os.environ.get("REPETITIONS", "3"))


def peer(name: str) -> str | None:
    """Return a peer's name and version; None where it is not installed."""
    try:
        return f"{name} {version(name)}"
    except PackageNotFoundError:
        return None


def paired(*runs: Callable[[], float]) -> list[float]:
    """Run each in turn, so many times over, and return the medians: noise falls on all alike."""
    found = [[run() for run in runs] for _ in range(REPETITIONS)]
    return [statistics.median(column) for column in zip(*found, strict=True)]


def write(name: str, rows: list[dict[str, Any]]) -> None:
    """Print rows as a table and write them to `build/bench/<name>.json`."""
    table = Table("case", "metric", "ours", "peer", "its value", "ratio", "quality", title=name)
    for row in rows:
        row["ratio"] = _ratio(row)
        shown = (
            row["case"],
            row["metric"],
            _shown(row["ours"]),
            row["peer"],
            _shown(row["peer_value"]) if _is_told(row) else "not measured",
            f"{row['ratio']:.2f}" if row["ratio"] else "",
            json.dumps(row["quality"]),
        )
        table.add_row(*shown)
    Console(width=160).print(table)
    folder = ROOT / "build" / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps(rows, indent=1), encoding="utf-8")


def _ratio(row: dict[str, Any]) -> float | None:
    """Return how many times better ours is: fewer seconds, or more of anything else."""
    ours, its = row["ours"], row["peer_value"]
    if not _is_told(row):
        return None
    return float(its / ours if row["metric"].startswith("seconds") else ours / its)


def _is_told(row: dict[str, Any]) -> bool:
    """Tell whether the peer was there to be measured."""
    return bool(row["peer_value"]) and not math.isnan(row["peer_value"])


def _shown(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
