"""Cleaning text: every signal and all rule sets on one core, and the whole job beside an older one.

One core: MB of text per second of processor, for normalising, for the signals' kernels, and for
records to judged documents with all rule sets. The job: seconds of the second run in a session with
two cores, on generated documents without duplicates, beside that of OLD (a worktree of an older
vectormill), where it is given. MEGABYTES is the size of the texts, JOB_MEGABYTES of the job's.
"""

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import takewhile
from pathlib import Path
from typing import Any

import _measuring
import pyarrow as pa
from _raw_files import documents, write_documents
from sources import measured

from pipelines.corpus.cleaning import judge_of
from pipelines.corpus.config import CleaningSettings
from pipelines.corpus.languages.identifying import Identifier
from pipelines.corpus.normalising.choices import AS_USUAL
from pipelines.corpus.normalising.normalise import normalise
from pipelines.corpus.rules import named_rules
from pipelines.corpus.signals.measuring import measure

MEGABYTES = float(os.environ.get("MEGABYTES", "50"))
JOB_MEGABYTES = float(os.environ.get("JOB_MEGABYTES", "40"))
OLD = os.environ.get("OLD")
HERE = Path(__file__).resolve().parent
GOAL = 25.0


def texts(megabytes: float) -> list[str]:
    """Return generated documents of so many megabytes together."""
    left = megabytes * 1e6

    def is_left(text: str) -> bool:
        nonlocal left
        left -= len(text)
        return left > 0

    return list(takewhile(is_left, (str(row["text"]) for row in documents())))


def records(found: list[str]) -> list[pa.RecordBatch]:
    """Return texts as records, as readers yield them."""
    step = 4096
    names = ["source", "position", "text", "record", "problem", "notes"]
    batches = []
    for first in range(0, len(found), step):
        part = pa.array(found[first : first + step])
        nulls = pa.nulls(len(part), pa.string())
        source = pa.repeat("documents.jsonl", len(part))
        columns = [source, pa.array(range(first, first + len(part))), part, nulls, nulls, nulls]
        batches.append(pa.RecordBatch.from_arrays(columns, names=names))
    return batches


def with_mojibake(found: list[str]) -> list[str]:
    """Return texts, of which every hundredth has accents that were decoded as Windows-1252."""
    return [
        text if number % 100 else text.replace("e", "é").encode().decode("cp1252")
        for number, text in enumerate(found)
    ]


def speed(run: Callable[[], Any], megabytes: float) -> float:
    """Return the median MB per second of processor."""
    seconds = []
    for _ in range(1 + _measuring.REPETITIONS):
        started = time.process_time()
        run()
        seconds.append(time.process_time() - started)
    return megabytes / statistics.median(seconds[1:])  # the first compiles


def one_core() -> list[dict[str, Any]]:
    """Return a row for each part."""
    found = texts(MEGABYTES)
    size = sum(len(text.encode()) for text in found) / 1e6
    batches = records(found)
    settings = CleaningSettings(rule_sets=list(named_rules()))
    judge = judge_of(settings, batches[0].schema.names)
    columns = [batch["text"] for batch in batches]
    messy = [batch["text"] for batch in records(with_mojibake(found))]
    parts: dict[str, Callable[[], Any]] = {
        "normalise": lambda: [normalise(column, AS_USUAL) for column in columns],
        "normalise, 1 % mojibake": lambda: [normalise(column, AS_USUAL) for column in messy],
        "languages": lambda: [Identifier("eldc")(column) for column in columns],
        "signals": lambda: [measure(column) for column in columns],
        "normalise, languages, signals, all rule sets": lambda: list(judge(batches)),
    }
    return [
        row(name, "MB/s of one core", speed(run, size), "goal", GOAL) for name, run in parts.items()
    ]


def row(
    case: str, metric: str, ours: float, peer: str, value: float, **quality: Any
) -> dict[str, Any]:
    """Return a row of the table."""
    return {
        "case": case, "metric": metric, "ours": ours,
        "peer": peer, "peer_value": value, "quality": quality,
    }  # fmt: skip


def job(old: str) -> list[dict[str, Any]]:
    """Return rows of the whole job's wall and processor seconds beside the older one's."""
    found = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "in").mkdir()
        write_documents(folder / "in" / "documents.jsonl", JOB_MEGABYTES)
        for who, root in (("new", _measuring.ROOT), ("old", Path(old))):
            script = [str(HERE / "_clean_job.py"), str(folder / "in"), str(folder / who)]
            found[who] = measured(script, root, PYTHONPATH=str(root))
            print(who, found[who], file=sys.stderr)
    new, before = found["new"], found["old"]
    case = f"clean_corpus, {JOB_MEGABYTES:g} MB, local[2]"
    return [
        row(
            case,
            f"seconds, {kind}",
            new[kind],
            "a6793e5",
            before[kind],
            rows=new["rows"],
            same=new["rows"] == before["rows"],
        )
        for kind in ("wall", "cpu")
    ]


if __name__ == "__main__":
    _measuring.write("cleaning", one_core() + (job(OLD) if OLD else []))
