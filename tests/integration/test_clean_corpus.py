"""`clean_corpus`: every record ends in exactly one table, with its reasons, whatever the format."""

import gzip
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import Row, SparkSession

from jobs.clean_corpus import CONFIG, run
from pipelines import tables
from pipelines.errors import ConfigError, GateError, InputError, from_spark
from pipelines.results import JobResult
from schemas import (
    DOCUMENTS,
    DUPLICATE_DOCUMENTS,
    REJECTED_DOCUMENTS,
    REJECTED_FILES,
    RUN_COUNTS,
    Table,
)

GOOD = "a document with more than five words"


def _clean(spark: SparkSession, folder: Path, **settings: Any) -> JobResult:
    config = CONFIG.model_validate(
        {
            "inputs": {"corpus": str(folder / "in")},
            "outputs": {"documents": str(folder / "out" / "documents")},
            **settings,
        }
    )
    return run(spark, config)


def _rows(spark: SparkSession, folder: Path, table: Table) -> list[Row]:
    frame = tables.read(spark, str(folder / "out" / table.name), table)
    return frame.orderBy(*table.key).collect()


def _put(folder: Path, name: str, data: bytes) -> None:
    (folder / "in").mkdir(exist_ok=True)
    (folder / "in" / name).write_bytes(data)


def _jsonl(*records: Any) -> bytes:
    return b"".join(r if isinstance(r, bytes) else json.dumps(r).encode() + b"\n" for r in records)


def test_each_record_goes_to_one_table_with_all_its_reasons(
    spark: SparkSession, tmp_path: Path
) -> None:
    records = [
        {"id": "good", "text": GOOD, "other": 1},
        {"id": "copy", "text": f"  {GOOD.upper()} "},
        {"id": "good", "text": "another text under an id that is taken already"},
        {"id": "short", "text": "# 1"},
        {"id": "none"},
        b"not json\n",
        b'{"id": "bytes", "text": "bad \xff byte in more than five words"}\n',
        {
            "id": "nfc",
            "text": "cafe\u0301 cr\u00c3\u00a8me li\u00adne one\r\n\x07 and then line two  \n",
        },
    ]
    _put(tmp_path, "a.jsonl", _jsonl(*records))
    result = _clean(spark, tmp_path, id_column="id")
    assert result.rows_in == {"corpus": 8}
    assert {k: v for k, v in result.rows_out.items() if k != "run_counts"} == {
        "documents": 2,
        "rejected_documents": 5,
        "duplicate_documents": 1,
        "rejected_files": 0,
    }
    good, nfc = _rows(spark, tmp_path, DOCUMENTS)
    assert (good["doc_id"], good["source"], good["position"]) == ("good", "a.jsonl", 0)
    assert (good["language"], good["language_score"] > 0.65) == ("en", True)
    assert (good["word_count"], good["character_count"], good["text"]) == (7, len(GOOD), GOOD)
    assert nfc["text"] == "café crème line one\n  and then line two"
    [note] = result.lines
    assert note.startswith("notes: 1 x repaired_encoding: ")
    [copy] = _rows(spark, tmp_path, DUPLICATE_DOCUMENTS)
    assert (copy["doc_id"], copy["kept_doc_id"]) == ("copy", "good")
    rejected = {r["doc_id"]: r["reasons"] for r in _rows(spark, tmp_path, REJECTED_DOCUMENTS)}
    rules = sorted(tuple(reason["rule"] for reason in found) for found in rejected.values())
    assert rules == [
        ("has_text",),
        ("unique_id",),
        ("valid_json",),
        ("valid_utf8",),
        ("word_count", "mean_word_length", "alphabetic_word_share", "symbol_word_ratio"),
    ]
    short = {reason["rule"]: tuple(reason)[1:] for reason in rejected["short"]}
    assert short["word_count"] == ("1", ">= 5")
    assert short["symbol_word_ratio"] == ("1.0", "<= 0.2")
    assert result.rejected["valid_utf8"] == 1
    assert sum(result.rejected.values()) == 8, "a row counts under each of its rules"


def test_removed_lines_are_counted_by_document_and_by_rule(
    spark: SparkSession, tmp_path: Path
) -> None:
    lines = [f"{GOOD}.", "Enable JavaScript to see more of this page.", "Menu | Home"]
    texts = ["\n".join(lines), "\n".join([GOOD, *lines[1:]])]
    _put(tmp_path, "a.jsonl", _jsonl(*({"text": text} for text in texts)))
    result = _clean(spark, tmp_path, line_rules=["javascript", "terminal", "short"])
    [kept], [rejected] = (_rows(spark, tmp_path, t) for t in (DOCUMENTS, REJECTED_DOCUMENTS))
    assert (kept["text"], kept["removed_line_count"]) == (lines[0], 2)
    assert (rejected["text"], rejected["removed_line_count"]) == (texts[1], 3)
    assert rejected["word_count"] == 0
    counts = tables.read(spark, str(tmp_path / "out" / "run_counts"), RUN_COUNTS)
    measured = {row["count"]: row["value"] for row in counts.where("kind = 'measured'").collect()}
    assert measured == {"javascript_lines": 2, "terminal_lines": 3, "short_lines": 2}
    assert measured == result.measured
    with pytest.raises(ConfigError, match="languages: eldc does not know 'id'"):
        _clean(spark, tmp_path, languages=["id"], language_detector="eldc")


@pytest.mark.parametrize(
    "kind",
    ["text", "csv", "parquet", "jsonl.gz"],
)
@pytest.mark.slow
def test_every_format_gives_the_same_texts(spark: SparkSession, tmp_path: Path, kind: str) -> None:
    texts = [f"{GOOD} number {word}" for word in ("one", "two", "three")]
    if kind == "text":
        _put(tmp_path, "a.txt", "\n".join(texts).encode())
    elif kind == "csv":
        _put(tmp_path, "a.csv", "\n".join(["text;n", *(f'"{t}";1' for t in texts)]).encode())
    elif kind == "parquet":
        _put(tmp_path, "a.parquet", b"")
        pq.write_table(pa.table({"text": texts}), tmp_path / "in" / "a.parquet")
    else:
        _put(tmp_path, "a.jsonl.gz", gzip.compress(_jsonl(*({"text": t} for t in texts))))
    _clean(spark, tmp_path, documents_per="line")
    assert {row["text"] for row in _rows(spark, tmp_path, DOCUMENTS)} == set(texts)


def test_a_text_file_is_one_document_by_default_and_ids_are_stable(
    spark: SparkSession, tmp_path: Path
) -> None:
    _put(tmp_path, "a.txt", f"{GOOD}\n\n{GOOD} again".encode())
    _put(tmp_path, "b.txt", b"some other text of exactly seven words")
    result = _clean(spark, tmp_path, rules={"duplicate_line_share": {}})
    before = _rows(spark, tmp_path, DOCUMENTS)
    assert len(before) == 2
    assert all(row["position"] == 0 for row in before)
    version = tables.version(spark, str(tmp_path / "out" / "documents"))
    again = _clean(spark, tmp_path, rules={"duplicate_line_share": {}})
    assert again.rows_out == result.rows_out
    assert _rows(spark, tmp_path, DOCUMENTS) == before
    assert tables.version(spark, str(tmp_path / "out" / "documents")) == version


@pytest.mark.slow
def test_a_truncated_file_ends_the_job_or_is_listed(spark: SparkSession, tmp_path: Path) -> None:
    lines = [{"text": f"{GOOD} and its number {n} of {n * 7919}"} for n in range(2000)]
    _put(tmp_path, "cut.jsonl.gz", gzip.compress(_jsonl(*lines))[:-2000])
    _put(tmp_path, "whole.jsonl.gz", gzip.compress(_jsonl({"text": "a text of its own, at last"})))
    with pytest.raises(Exception, match="cut") as caught:
        _clean(spark, tmp_path)
    known = from_spark(caught.value)
    assert isinstance(known, InputError)
    assert "cut.jsonl.gz: cannot be read to its end" in str(known)
    assert not tables.exists(spark, str(tmp_path / "out" / "documents"))
    result = _clean(spark, tmp_path, bad_files="reject")
    [broken] = _rows(spark, tmp_path, REJECTED_FILES)
    assert broken["path"] == "cut.jsonl.gz"
    assert broken["size"] == (tmp_path / "in" / "cut.jsonl.gz").stat().st_size
    assert broken["reasons"][0]["rule"] == "readable_file"
    assert 1 < result.rows_in["corpus"] < 2001
    assert result.rows_out["documents"] == result.rows_in["corpus"]


def test_too_many_rejections_are_an_alarm(spark: SparkSession, tmp_path: Path) -> None:
    _put(tmp_path, "a.jsonl", _jsonl({"text": GOOD}, {"text": "short"}, {"text": "too"}))
    with pytest.raises(GateError, match=r"2 of 3 records .* most often for 'word_count'"):
        _clean(spark, tmp_path, max_rejected_share=0.5)


def test_own_columns_are_kept_and_later_jobs_pass_them_over(
    spark: SparkSession, tmp_path: Path
) -> None:
    _put(
        tmp_path,
        "a.jsonl",
        _jsonl(
            {"text": GOOD, "label": 7, "page": {"url": "x"}, "content": "own"},
            {"text": GOOD + " and more", "label": None, "page": {}},
        ),
    )
    _clean(spark, tmp_path, keep_columns=["label", "page.url", "content"])
    place = str(tmp_path / "out" / "documents")
    rows = spark.read.format("delta").load(place).orderBy("position").collect()
    assert [tuple(row)[-3:] for row in rows] == [("7", "x", "own"), (None, None, None)]
    assert tables.read(spark, place, DOCUMENTS).columns == DOCUMENTS.column_names
    with pytest.raises(ConfigError, match="the table has a column 'text' already"):
        _clean(spark, tmp_path, keep_columns=["text"])
    with pytest.raises(
        InputError, match=r"no column 'labels' \(keep_columns\).*did you mean 'label'"
    ):
        _clean(spark, tmp_path, keep_columns=["labels"])
