"""`inspect_corpus` prints what a rule rejected; `clean_corpus --sample` tries rules."""

import json
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from stored import store

from jobs import clean_corpus, inspect_corpus
from pipelines.errors import ConfigError
from schemas import REJECTED_DOCUMENTS

SHORT, BRACE = ("word_count", "2", ">= 5"), ("c4.brace_count", "1", "<= 0")


def test_documents_of_a_rule_are_shown(spark: SparkSession, tmp_path: Path) -> None:
    broken = {"a": [SHORT], "b": [SHORT, BRACE], "c": [BRACE], "d": [BRACE]}
    names = ("rule", "value", "threshold")
    rows = [
        {
            "doc_id": key, "source": "x.txt", "position": place, "text": f"text {{ {key}",
            "reasons": [dict(zip(names, reason, strict=True)) for reason in reasons],
        }
        for place, (key, reasons) in enumerate(broken.items())
    ]  # fmt: skip
    columns = REJECTED_DOCUMENTS.column_names
    place = store([[row.get(n) for n in columns] for row in rows], REJECTED_DOCUMENTS, tmp_path)
    given = {"inputs": {"rejected_documents": place}, "format": "parquet", "document_count": 2}
    config = inspect_corpus.CONFIG.model_validate(given | {"rule": "c4.brace_count"})
    result = inspect_corpus.run(spark, config)
    assert result.rejected == {"c4.brace_count": 3, "word_count": 2}
    assert sum("⟦{⟧" in line for line in result.lines) == 2
    assert not any(line.startswith("a ") for line in result.lines)
    assert result.lines == inspect_corpus.run(spark, config).lines
    wrong = inspect_corpus.CONFIG.model_validate(given | {"rule": "brace_count"})
    with pytest.raises(ConfigError, match=r"did you mean 'c4.brace_count'"):
        inspect_corpus.run(spark, wrong)


def test_rules_are_tried_on_a_share_and_nothing_is_written(
    spark: SparkSession, tmp_path: Path
) -> None:
    texts = ["one", "one #", *["one two three four five six"] * 8]
    file = tmp_path / "a.jsonl"
    file.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    config = clean_corpus.CONFIG.model_validate(
        {
            "inputs": {"corpus": str(file)},
            "outputs": {"documents": str(tmp_path / "out" / "documents")},
        }
    )
    result = clean_corpus.try_sample(spark, config, 1.0)
    assert result.rows_in == {"corpus": 10}
    assert result.rejected == {"word_count": 2, "symbol_word_ratio": 1}
    assert result.measures == {"sample": 1.0, "kept_share": 0.8}
    counts = {line.split()[0]: line.split()[1:] for line in result.lines[3:5]}
    assert counts == {"word_count": ["2", "2", "1"], "symbol_word_ratio": ["1", "0", "0"]}
    assert any("⟦" in line or line == "  | one #" for line in result.lines)
    assert not (tmp_path / "out").exists()
