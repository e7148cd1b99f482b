"""`clean_corpus` writes the same tables whoever writes them: tasks, Spark, or one and the other."""

import gzip
import json
import random
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from jobs.clean_corpus import CONFIG, run
from pipelines import tables
from pipelines.corpus.by_tasks import finding, units
from pipelines.results import JobResult
from pipelines.sources import files
from pipelines.storage.task_files.written_pieces import Scratch
from schemas import DOCUMENTS, DUPLICATE_DOCUMENTS, REJECTED_DOCUMENTS, REJECTED_FILES

TEXTS = ["five words are quite enough", "FIVE  words\nare quite enough ", "too short", "", None]
TABLES = (DOCUMENTS.with_own(["kept"]), REJECTED_DOCUMENTS, DUPLICATE_DOCUMENTS, REJECTED_FILES)


def write_documents(folder: Path) -> None:
    """Write files of few ids and texts, in which all kinds of loss occur, and a broken one."""
    draw = random.Random(5)  # noqa: S311
    folder.mkdir()
    for name in "cab":
        lines = []
        for n in range(60):
            text = draw.choice([*TEXTS, f"café and the number {draw.randrange(40)}, as written"])
            row = {"id": draw.choice([None, " ", f"id {draw.randrange(120)}"]), "text": text}
            lines.append(json.dumps(row | {"kept": draw.choice([n, None, "x"])}))
        lines.insert(draw.randrange(60), "no json")
        (folder / f"{name}.jsonl").write_text("\n".join(lines), encoding="utf-8")
    (folder / "d.jsonl.gz").write_bytes(gzip.compress(b'{"text": "x"}' * 999)[:-20])


def clean(spark: SparkSession, folder: Path, way: str) -> tuple[JobResult, list[list[str]]]:
    """Return the result and the rows of all tables."""
    tree = {
        "inputs": {"corpus": f"{folder}/in"},
        "outputs": {"documents": f"{folder}/{way}/documents"},
        "format": "parquet" if way == "shuffled" else "delta",
        "id_column": "id",
        "keep_columns": ["kept"],
        "bad_files": "reject",
    }
    result = run(spark, CONFIG.model_validate(tree))
    places = [(f"{folder}/{way}/{table.name}", table) for table in TABLES]
    rows = [tables.read(spark, place, table).collect() for place, table in places]
    return result, [sorted(map(str, each)) for each in rows]


@pytest.fixture(scope="module")
def by_spark(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("cleaned")
    write_documents(folder / "in")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Scratch, "writer", lambda *_: None)  # as for tables of a catalog
        return folder, clean(spark, folder, "spark")


@pytest.mark.parametrize("way", ["packed", "shuffled"])
def test_tasks_write_what_spark_writes(
    spark: SparkSession, monkeypatch: pytest.MonkeyPatch, by_spark: Any, way: str
) -> None:
    folder, (result, rows) = by_spark
    monkeypatch.setattr(files, "_LEAST_TASK_BYTES", 0)
    monkeypatch.setattr(files, "_TASK_BYTES", 1)  # a task per file
    if way == "shuffled":  # no task may hold all, and files of several tasks become one
        monkeypatch.setattr(finding, "_MARGIN", 1 << 60)
        monkeypatch.setattr(units, "MOST_SMALL", 2)
    ours, found = clean(spark, folder, way)
    assert (ours.rows_in, ours.rows_out) == (result.rows_in, result.rows_out)
    assert (ours.rejected, ours.lines) == (result.rejected, result.lines)
    assert found == rows
    assert all(len(each) > 1 for each in rows[:3])
    assert result.rejected["unique_id"] > 5
    written = [*(folder / way / "documents").rglob("part-*.parquet")]
    assert len(written) == {"packed": 3, "shuffled": 2}[way]
    assert not [*(folder / way).glob(".*")]  # what tasks wrote for each other is gone
