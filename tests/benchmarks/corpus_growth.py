"""Seconds and memory of cleaning and tokenizing as the text grows, and with unlike documents.

`make bench BENCH=corpus_growth`, UNIT megabytes (default 50). One session of two cores. So many
times the unit of generated text, by files of the unit; then four units of which a document is one,
and four units of which one file has half. Python workers live through all cases, so their peak
never falls: it must not rise with the text.
"""

import os
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import _measuring
import psutil
from _processor import processor_seconds
from _raw_files import documents, write_documents
from pyspark.sql import SparkSession

from jobs import clean_corpus, tokenize_corpus
from pipelines.cluster.session import open_session

UNIT = float(os.environ.get("UNIT", "50"))
TIMES = (1, 2, 4, 8)
EVEN = 4
Row = dict[str, Any]


def grown(folder: Path, times: int) -> None:
    """Write so many units of text, in so many files, no two documents alike."""
    write_documents(folder / "whole.jsonl", UNIT * times)
    _cut(folder / "whole.jsonl", [1] * times)


def one_large_document(folder: Path) -> None:
    """Write the same amount as even text has, a unit of it as one document."""
    write_documents(folder / "whole.jsonl", UNIT * (EVEN - 1))
    _cut(folder / "whole.jsonl", [1] * (EVEN - 1))
    words, size = [], 0
    for row in documents():
        words.append(str(row["text"])[::-1])  # words of its own, or it would be known text
        size += len(words[-1])
        if size > UNIT * 1e6:
            break
    text = ". ".join(words).replace("\n", " ").replace('"', "")
    (folder / "large.jsonl").write_text(f'{{"text": "{text}"}}\n', encoding="utf-8")


def one_large_file(folder: Path) -> None:
    """Write even text in files of which one has half."""
    write_documents(folder / "whole.jsonl", UNIT * EVEN)
    _cut(folder / "whole.jsonl", [2 * (EVEN - 1)] + [2] * (EVEN - 1))


def _cut(whole: Path, shares: list[int]) -> None:
    """Cut a file into files by lines."""
    with whole.open("rb") as lines:
        count = sum(1 for _ in lines)
        lines.seek(0)
        for number, share in enumerate(shares):
            rows = -(-count * share // sum(shares))
            (whole.parent / f"part-{number}.jsonl").write_bytes(b"".join(islice(lines, rows)))
    whole.unlink()


@contextmanager
def watched(peak: dict[str, float]) -> Iterator[None]:
    """Keep the megabytes of the largest Python worker in a dictionary."""
    done = threading.Event()

    def look() -> None:
        while not done.wait(0.2):
            for process in psutil.Process().children(recursive=True):
                try:
                    if process.name().startswith("python"):  # a fork of the JVM bears its thread's
                        size = process.memory_info().rss >> 20
                        peak["worker, MB"] = max(peak.get("worker, MB", 0), size)
                except psutil.Error:
                    continue

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()


def measured(spark: SparkSession, raw: Path, out: Path) -> Row:
    """Clean and tokenize a folder; return the seconds of both, and the largest worker."""
    found: Row = {}
    jobs: list[tuple[Any, Row]] = [
        (clean_corpus, {"inputs": {"corpus": str(raw)}, "outputs": _at(out, "documents")}),
        (
            tokenize_corpus,
            {
                "inputs": {"documents": str(out / "documents")},
                "outputs": _at(out, "sentences", "vocabulary"),
            },
        ),
    ]
    with watched(found):
        for job, settings in jobs:
            spent, started = processor_seconds(), time.perf_counter()
            job.run(spark, job.CONFIG.model_validate(settings))
            name = job.__name__.removeprefix("jobs.")
            found[f"{name}, wall"] = round(time.perf_counter() - started, 2)
            found[f"{name}, cpu"] = round(processor_seconds() - spent, 2)
    print(raw.name, found, flush=True)
    return found


def _at(out: Path, *names: str) -> dict[str, str]:
    return {name: str(out / name) for name in names}


def rows(found: dict[str, Row], case: str, base: str, times: float) -> list[Row]:
    """Return rows of a case beside so many times the seconds of another one."""
    peaks = {name: found[name]["worker, MB"] for name in (case, base)}
    return [
        {
            "case": f"{case}, {what}", "metric": "seconds", "ours": value,
            "peer": f"{base}, times {times:g}", "peer_value": found[base][what] * times,
            "quality": peaks,
        }
        for what, value in found[case].items() if what != "worker, MB"
    ]  # fmt: skip


def main() -> None:
    """Run the cases."""
    cases = {f"{n} units": lambda at, n=n: grown(at, n) for n in TIMES}
    cases |= {"large document": one_large_document, "large file": one_large_file}
    found: dict[str, Row] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        spark = open_session("growth", master="local[2]", log_folder=folder)
        for case, make in {"warm": cases["1 units"], **cases}.items():
            (folder / case).mkdir()
            make(folder / case)
            found[case] = measured(spark, folder / case, folder / f"{case} out")
        spark.stop()
    first, even = f"{TIMES[0]} units", f"{EVEN} units"
    told = [row for n in TIMES[1:] for row in rows(found, f"{n} units", first, n / TIMES[0])]
    told += [row for case in ("large document", "large file") for row in rows(found, case, even, 1)]
    _measuring.write("corpus_growth", told)


if __name__ == "__main__":
    main()
