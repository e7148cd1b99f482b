"""Each record ends in one place; repeated ids and texts lose against the first of them."""

import random
from typing import Any

import pytest
from oracles import signals as oracle
from pyspark.sql import DataFrame, SparkSession

from pipelines.corpus import deciding
from pipelines.corpus.cleaning import judge_of, split_documents
from pipelines.corpus.config import CleaningSettings
from schemas import DOCUMENTS, DUPLICATE_DOCUMENTS, REJECTED_DOCUMENTS

COLUMNS = "source string, position long, text string, id string, record string, problem string"
SETTINGS = CleaningSettings(id_column="id")
TEXTS = ["one two three four five", "ONE  two\nthree four five ", "too short", "six", ""]
Row = dict[str, Any]


def records(seed: int) -> list[Row]:
    """Return records of few ids and texts, so that all kinds of repetition occur, shuffled."""
    draw = random.Random(seed)  # noqa: S311
    rows = []
    for n in range(120):
        text = draw.choice([*TEXTS, None, f"five words and number {draw.randrange(30)}"])
        row = {"source": draw.choice("ab"), "position": n, "text": text}
        row |= {"id": draw.choice([None, " ", f"id {draw.randrange(60)}"]), "record": "raw"}
        rows.append(row | {"problem": draw.choice([None] * 9 + ["valid_json"])})
    rows.append({"source": "c", "position": 9, "record": "cut", "problem": "readable_file"})
    draw.shuffle(rows)
    return rows


def expected(rows: list[Row]) -> dict[str, set[tuple[Any, ...]]]:
    """Return the documents of each table by place, decided one after another."""
    found: dict[str, set[tuple[Any, ...]]] = {"kept": set(), "rejected": set(), "duplicate": set()}
    ids: set[str] = set()
    texts: dict[str, tuple[str, int]] = {}
    for row in sorted(rows, key=lambda row: (row["source"], row["position"])):
        place, given = (row["source"], row["position"]), (row.get("id") or "").strip()
        if row["problem"] == "readable_file":
            continue
        text = row["text"] or ""
        rules = ["valid_json"] if row["problem"] else ["has_text"] if row["text"] is None else []
        if not rules and len(text.split()) < 5:
            rules = ["word_count"]
        if not rules and given in ids:
            rules = ["unique_id"]
        ids |= {given} - {""}
        key = oracle.content(text)
        if rules:
            found["rejected"].add((*place, rules[0]))
        elif key in texts:
            found["duplicate"].add((*place, texts[key]))
        else:
            texts[key] = place
            found["kept"].add(place)
    return found


def found(parts: dict[str, DataFrame], ids: dict[str, tuple[str, int]]) -> dict[str, Any]:
    kept, rejected, duplicate = (
        parts[table.name].collect()
        for table in (DOCUMENTS, REJECTED_DOCUMENTS, DUPLICATE_DOCUMENTS)
    )
    ids |= {row["doc_id"]: (row["source"], row["position"]) for row in kept}
    counts = len(kept), len(rejected), len(duplicate)
    return {
        "counts": counts,
        "kept": {(row["source"], row["position"]) for row in kept},
        "rejected": {(r["source"], r["position"], r["reasons"][0]["rule"]) for r in rejected},
        "duplicate": {(d["source"], d["position"], ids[d["kept_doc_id"]]) for d in duplicate},
        "ids": [row["doc_id"] for row in (*kept, *rejected, *duplicate)],
    }


def judged_rows(spark: SparkSession, rows: list[Row], partitions: int) -> DataFrame:
    names = [part.split()[0] for part in COLUMNS.split(", ")]
    values = [tuple(row.get(name) for name in names) for row in rows]
    frame = spark.createDataFrame(values, COLUMNS).repartition(partitions)
    frame = frame.selectExpr("*", "CAST(NULL AS STRING) AS notes")
    judge = judge_of(SETTINGS, frame.columns)
    return frame.mapInArrow(judge, judge.spark_schema)


@pytest.mark.parametrize("most", [0, deciding.MOST_BROADCAST])
def test_documents_are_decided_as_one_after_another(
    spark: SparkSession, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    monkeypatch.setattr(deciding, "MOST_BROADCAST", most)
    rows = records(seed=most)
    judged = deciding.numbered_rows(judged_rows(spark, rows, 3)).persist()
    narrow = deciding.narrowed(judged).persist()
    told = deciding.tell(narrow)
    lost = deciding.find_losers(narrow).persist()
    losses = deciding.count_losses(lost)
    out = found(deciding.split_judged(judged, lost, losses), {})
    wanted = expected(rows)
    assert {kind: out[kind] for kind in wanted} == wanted
    assert sum(out["counts"]) == told.records == len(rows) - 1
    assert len(set(out["ids"])) == len(out["ids"])
    assert told.broken == 1
    assert out["counts"][1:] == (told.rejected + losses.rejected, losses.duplicates)
    reasons = deciding.rejections(told, losses)
    assert reasons["unique_id"] == losses.repeated
    assert reasons["valid_json"] == sum(rule == "valid_json" for *_, rule in wanted["rejected"])
    assert list(reasons.values()) == sorted(reasons.values(), reverse=True)
    for frame in (judged, narrow, lost):
        frame.unpersist()


def test_frames_are_decided_alike(spark: SparkSession) -> None:
    rows = records(seed=3)
    marked = deciding.mark_duplicates(judged_rows(spark, rows, 2)).persist()
    out = found(split_documents(marked), {})
    wanted = expected(rows)
    assert {kind: out[kind] for kind in wanted} == wanted
    assert sum(out["counts"]) == len(rows) - 1
    marked.unpersist()
