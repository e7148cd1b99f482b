"""Reading raw files: to Arrow batches in one process beside other readers, and through Spark.

Each reader is a process of its own with one thread; `ours is` says how many times its speed ours
has. Columns are read as strings where a reader can; pyarrow and polars read numbers of JSON as
floats. MB are those of the file, decompressed; of Parquet those of the same events as CSV.
`--megabytes` (or MEGABYTES) is the size of each file, `--cases` names some. `--old` (or OLD) is a
worktree of an older vectormill, whose source is then read through Spark beside this one's.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from _measuring import ROOT, peer
from _raw_files import FILES, make
from rich.console import Console
from rich.table import Table

HERE = Path(__file__).resolve().parent
PEERS = {"polars": "polars", "pyarrow": "pyarrow", "spark": "pyspark"}
ARCHIVE_PEERS = {"fastwarc": "fastwarc", "warcio": "warcio"}
MEANT = {"events.parquet": "events.csv", "crawl.wet.gz": "crawl.wet"}
THROUGH_SPARK = ("events.jsonl", "documents.jsonl", "events.csv", "texts.csv", "events.parquet")
ONE = {"POLARS_MAX_THREADS": "1", "OMP_NUM_THREADS": "1", "ARROW_NUM_THREADS": "1"}
Row = dict[str, Any]


def measured(command: list[str], root: Path = ROOT, **environment: str) -> Row:
    """Run a script by a process of its own; return what it prints, or why it failed.

    Workers of Spark import what is in the folder they are started in, which is `root`.
    """
    done = subprocess.run(
        [sys.executable, *command],
        cwd=root,
        env=os.environ
        | ONE
        | {"PYTHONDONTWRITEBYTECODE": "1", "PYSPARK_PYTHON": sys.executable}
        | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        return {"skipped": (done.stderr.strip().splitlines() or ["no output"])[-1][:90]}
    found: Row = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def one_core(case: str, folder: Path) -> list[Row]:
    """Return a row for each reader of a file."""
    path = folder / FILES[case]
    size = (folder / MEANT.get(path.name, path.name)).stat().st_size / 1e6
    peers = ARCHIVE_PEERS if case.startswith("WET") else PEERS
    rows = []
    for name, package in {"ours": "", **peers}.items():
        version = "vectormill" if name == "ours" else peer(package)
        found = {"skipped": f"{package} is not installed"}
        if version:
            found = measured([str(HERE / "_readers.py"), name, str(path)])
        rows.append({"case": case, "reader": version or name, "megabytes": size, **found})
    return compared(rows)


def compared(rows: list[Row]) -> list[Row]:
    """Add speeds, how many times the first reader's speed is each other's, and what differs."""
    own = rows[0]
    for row in rows:
        if "wall" not in row:
            continue
        row["speed"] = {k: row["megabytes"] / row[k] for k in ("cpu", "wall") if k in row}
        if row is not own and "wall" in own:
            row["ratio"] = {k: row[k] / own[k] for k in row["speed"]}
            row["is_equal"] = all(row[k] == own[k] for k in ("rows", "bytes"))
    others = [row for row in rows[1:] if "ratio" in row]
    if others:
        min(others, key=lambda row: row.get("cpu", row["wall"]))["is_fastest"] = True
    return rows


def through_spark(case: str, folder: Path, worktree: Path, copies: int) -> list[Row]:
    """Return rows for this vectormill, to its tasks and to the JVM, and one for the older.

    They read files of the same content.
    """
    path = folder / FILES[case]
    place = folder / f"copies-{path.stem}-{path.suffix[1:]}"
    place.mkdir()
    for number in range(copies):
        os.link(path, place / f"{number}{path.suffix}")
    size = copies * (folder / MEANT.get(path.name, path.name)).stat().st_size / 1e6
    what = "events" if path.stem == "events" else "documents"
    rows = []
    for name, root in (("taken", ROOT), ("new", ROOT), ("old", worktree)):
        script = [str(HERE / "_through_spark.py"), name, str(place), what]
        found = measured(script, root, PYTHONPATH=str(root))
        rows.append({"case": f"{case}, local[2]", "reader": name, "megabytes": size, **found})
    return compared(rows)


def show(rows: list[Row], title: str) -> None:
    """Print rows as a table."""
    heads = ("file", "reader", "MB/s CPU", "MB/s wall", "rows", "ours is, CPU", "wall", "note")
    table = Table(*heads, title=title)
    for row in rows:
        speed, ratio = row.get("speed", {}), row.get("ratio", {})
        note = row.get("skipped", "fastest peer" if row.get("is_fastest") else "")
        if row.get("is_equal") is False:
            note = f"{note} other rows or bytes: {row['bytes']:,}"
        shown = [f"{speed[k]:,.0f}" if k in speed else "" for k in ("cpu", "wall")]
        times = [f"{ratio[k]:.2f} x" if k in ratio else "" for k in ("cpu", "wall")]
        count = f"{row['rows']:,}" if "rows" in row else ""
        table.add_row(row["case"], row["reader"], *shown, count, *times, note)
    Console(width=150).print(table)


def main() -> None:
    """Make the files, run the readers, print the tables and write `build/bench/sources.json`."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    size = float(os.environ.get("MEGABYTES", "200"))
    parser.add_argument("--megabytes", type=float, default=size)
    parser.add_argument("--old", type=Path, default=os.environ.get("OLD"))
    parser.add_argument("--copies", type=int, default=2, help="of a file, read through Spark")
    parser.add_argument("--only-through-spark", action="store_true")
    parser.add_argument("--cases", default="", help="parts of names of cases, by commas")
    given = parser.parse_args()
    parts = given.cases.split(",")
    cases = [case for case in FILES if any(part.lower() in case.lower() for part in parts)]
    found: dict[str, list[Row]] = {"one_core": [], "through_spark": []}
    with tempfile.TemporaryDirectory() as name:
        make(Path(name), given.megabytes)
        for case in [] if given.only_through_spark else cases:
            found["one_core"] += one_core(case, Path(name))
        show(found["one_core"], "file to Arrow batches, one core")
        for case in [c for c in cases if given.old and FILES[c] in (*THROUGH_SPARK, "lines.txt")]:
            found["through_spark"] += through_spark(case, Path(name), given.old, given.copies)
    if given.old:
        show(found["through_spark"], "through Spark to a sink, two cores")
    folder = ROOT / "build" / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "sources.json").write_text(json.dumps(found, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
