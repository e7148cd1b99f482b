"""write_report from tables to page."""

from pathlib import Path

import numpy as np
import pytest
from pyspark.sql import SparkSession
from stored import store

from jobs import write_report
from pipelines.errors import ConfigError, InputError
from pipelines.report.config import ReportInputs, ReportOutputs, WriteReportConfig
from pipelines.settings import Layers, build, conf_folder, read_yaml
from schemas import REJECTED_DOCUMENTS, RUN_COUNTS, VECTORS, VOCABULARY, Table

WORDS = ["<script>alert(1)</script>", *(f"word{i}" for i in range(19))]


@pytest.fixture(scope="module")
def folder(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("tables")

    def write(rows: list[tuple], table: Table, name: str) -> None:
        store(rows, table, place / name)

    vectors = np.random.default_rng(1).normal(size=(20, 6)).round(3)
    write(
        [
            ("word-1", "word", word, vector.tolist(), float(np.linalg.norm(vector)))
            for word, vector in zip(WORDS, vectors, strict=True)
        ],
        VECTORS,
        "word_vectors",
    )
    write([(i, word, 5_000 - i, 1) for i, word in enumerate(WORDS)], VOCABULARY, "vocabulary")
    write(
        [("clean_corpus", "corpus", "in", 7_654), ("clean_corpus", "documents", "out", 7_654)],
        RUN_COUNTS,
        "run_counts",
    )
    reasons = [{"rule": "c4.brace_count", "value": "1", "threshold": "<= 0"}]
    rejected = {
        "doc_id": "bad",
        "source": "x.txt",
        "position": 7,
        "text": "<b> {",
        "reasons": reasons,
    }
    row = [rejected.get(name) for name in REJECTED_DOCUMENTS.column_names]
    write([row], REJECTED_DOCUMENTS, "rejected_documents")
    return place


def settings(folder: Path, report: Path) -> WriteReportConfig:
    inputs = {
        name: str(folder / name)
        for name in (
            "word_vectors",
            "vocabulary",
            "run_counts",
            "rejected_documents",
            "recommendations",
        )
    }
    return WriteReportConfig(
        inputs=ReportInputs(**inputs), outputs=ReportOutputs(report=str(report))
    )


def test_the_page_shows_the_tables_and_names_what_is_missing(
    spark: SparkSession, folder: Path, tmp_path: Path
) -> None:
    report = tmp_path / "made" / "report.html"
    result = write_report.run(spark, settings(folder, report))
    page = report.read_text(encoding="utf-8")
    for shown in (
        "7,654",
        "20 tokens with 99,810 occurrences",
        "word-1: 20 word vectors",
        "the 20 most frequent words",
        "&lt;script&gt;alert(1)",
        "x.txt, record 7",
        "<td>c4.brace_count</td>",
        "&lt;b&gt; <mark>{</mark>",
        f"no table at {folder}/recommendations",
        "inputs.neighbours is not set",
    ):
        assert shown in page
    assert "<script" not in page
    assert result.measures["tables shown"] == 4
    assert "left out: inputs.recommendations" in result.lines


def test_it_replaces_the_page_and_leaves_nothing_beside_it(
    spark: SparkSession, folder: Path, tmp_path: Path
) -> None:
    report = tmp_path / "report.html"
    report.write_text("old")
    config = settings(folder, report).model_copy(update={"map_words": 10, "title": "Second"})
    write_report.run(spark, config)
    assert "<h1>Second</h1>" in report.read_text(encoding="utf-8")
    assert [p.name for p in tmp_path.iterdir() if not p.name.endswith(".crc")] == ["report.html"]


def test_without_any_table_it_leaves_the_old_page(spark: SparkSession, tmp_path: Path) -> None:
    report = tmp_path / "report.html"
    report.write_text("old")
    with pytest.raises(InputError, match=r"no table to report on.*nowhere"):
        write_report.run(spark, settings(tmp_path / "nowhere", report))
    assert report.read_text() == "old"


def test_no_input_at_all_is_an_error_of_configuration() -> None:
    layers = Layers().add({"inputs": {}, "outputs": {"report": "r.html"}}, "mine.yaml")
    with pytest.raises(ConfigError, match="set at least one of: word_vectors"):
        build(WriteReportConfig, layers)


def test_the_shipped_configuration_is_valid() -> None:
    tree = read_yaml(conf_folder() / "base" / "write_report.yaml")
    config = build(WriteReportConfig, Layers().add(tree, "base"))
    assert set(tree["inputs"]) == set(ReportInputs.model_fields)
    assert set(tree) == set(WriteReportConfig.model_fields)
    assert config.map_words == 300
