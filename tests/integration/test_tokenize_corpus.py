"""`tokenize_corpus`: exact tables whatever the partitioning, and every sentence accounted for."""

from dataclasses import replace

import pytest
from pydantic import ValidationError

from jobs.tokenize_corpus import run
from pipelines import tables
from pipelines.corpus.config import TokenizeCorpusConfig, TokenizeInputs, TokenizeOutputs
from pipelines.corpus.phrasing.config import PhraseSettings
from pipelines.errors import GateError, InputError
from schemas import DOCUMENTS, PHRASES, RUN_COUNTS, SENTENCES, VOCABULARY

TEXTS = ["The cat sat. The dog sat!", "A cat. Unseen words here.", "the dog"]


def prepare(spark, folder, partitions, stored="parquet"):
    """Write documents as they were before columns were added."""
    older = replace(DOCUMENTS, columns=tuple(c for c in DOCUMENTS.columns if not c.added))
    rows = [(f"d{n}", "f", n, text, 0, 0, 0.0, 0.0, 0.0, 0.0) for n, text in enumerate(TEXTS)]
    frame = spark.createDataFrame(rows, older.schema()).repartition(partitions)
    tables.write(frame, older, str(folder / "documents"), format=stored, part={}, metadata={})
    return TokenizeCorpusConfig(
        inputs=TokenizeInputs(documents=str(folder / "documents")),
        outputs=TokenizeOutputs(sentences=str(folder / "sentences")),
        format="parquet",
        min_count=2,
    )


def content(spark, folder, table):
    return sorted(tuple(r) for r in tables.read(spark, str(folder / table.name), table).collect())


def test_tables_are_exact_and_balanced_whatever_the_partitioning(spark, tmp_path):
    for partitions, stored in ((1, "parquet"), (3, "delta")):
        folder = tmp_path / str(partitions)
        result = run(spark, prepare(spark, folder, partitions, stored))
        assert content(spark, folder, VOCABULARY) == [
            (0, "the", 3, 2),
            (1, "cat", 2, 2),
            (2, "dog", 2, 2),
            (3, "sat", 2, 1),
        ]
        assert content(spark, folder, SENTENCES) == [
            ("d0:000000.0", "d0", [0, 1, 3]),
            ("d0:000001.0", "d0", [0, 2, 3]),
            ("d1:000000.0", "d1", [1]),
            ("d2:000000.0", "d2", [0, 2]),
        ]
        assert not (folder / "phrases").exists()  # nothing asked for them
        assert (result.rows_in, result.rejected) == ({"sentences found": 5}, {"no_known_token": 1})
    counts = {
        (r["kind"], r["count"]): r["value"]
        for r in tables.read(spark, str(folder / "run_counts"), RUN_COUNTS).collect()
    }
    assert counts["rejected", "no_known_token"] == 1


def test_a_vocabulary_of_nothing_names_the_setting(spark, tmp_path):
    config = prepare(spark, tmp_path, 1).model_copy(update={"min_count": 9})
    with pytest.raises(GateError, match="min_count"):
        run(spark, config)


def test_a_file_of_stop_words_is_an_input(spark, tmp_path):
    config = prepare(spark, tmp_path, 1)
    file = tmp_path / "stop.txt"
    inputs = config.inputs.model_copy(update={"stop_words": str(file)})
    config = config.model_copy(update={"inputs": inputs})
    with pytest.raises(InputError, match=r"stop\.txt: no such file \(inputs\.stop_words\)"):
        run(spark, config)
    file.write_bytes(b"caf\xe9")
    with pytest.raises(InputError, match="not UTF-8 at byte 3"):
        run(spark, config)
    versions = []
    for words in ("The\r\n\n dog \n", "the"):
        file.write_text(words, encoding="utf-8")
        run(spark, config)
        versions.append(tables.version(spark, str(tmp_path / "vocabulary")))
    assert [row[1] for row in content(spark, tmp_path, VOCABULARY)] == ["cat", "dog", "sat"]
    assert len(set(versions)) == 2


def test_phrases_are_tokens_and_a_table(spark, tmp_path):
    config = prepare(spark, tmp_path, 2)
    wanted = PhraseSettings(min_count=1, threshold=0.1)
    changes = {"phrases": wanted, "min_count": 1}
    result = run(spark, config.model_copy(update=changes))
    # "the dog" twice among 8 words and 7 candidates: (2 - 1) / (3 * 2) * 15
    assert content(spark, tmp_path, PHRASES) == [
        (0, "the_dog", ["the", "dog"], 1, 2, pytest.approx(15 / 6))
    ]
    assert result.rows_out["phrases"] == 1
    [first, *_] = content(spark, tmp_path, VOCABULARY)
    assert first == (0, "cat", 2, 2)
    assert ("d2:000000.0", "d2") in [row[:2] for row in content(spark, tmp_path, SENTENCES)]


def test_an_earlier_vocabulary_keeps_its_ids_and_may_grow(spark, tmp_path):
    config = prepare(spark, tmp_path, 2)
    earlier = [(0, "sat", 5, 4), (1, "gone", 3, 3), (2, "the", 1, 1)]
    frame = spark.createDataFrame(earlier, VOCABULARY.schema())
    place = str(tmp_path / "earlier")
    tables.write(frame, VOCABULARY, place, format="parquet", part={}, metadata={})
    inputs = config.inputs.model_copy(update={"vocabulary": place})
    frozen = config.model_copy(update={"inputs": inputs})
    result = run(spark, frozen)
    assert content(spark, tmp_path, VOCABULARY) == earlier
    assert content(spark, tmp_path, SENTENCES) == [
        ("d0:000000.0", "d0", [2, 0]),
        ("d0:000001.0", "d0", [2, 0]),
        ("d2:000000.0", "d2", [2]),
    ]
    # 3 "the" and 2 "sat" of 13 tokens
    assert result.measured == {"tokens": 13, "out_of_vocabulary_tokens": 8}
    assert result.measures["out_of_vocabulary_share"] == pytest.approx(8 / 13)

    result = run(spark, frozen.model_copy(update={"grow_vocabulary": True}))
    grown = [(0, "sat", 7, 5), (1, "gone", 3, 3), (2, "the", 4, 3), (3, "cat", 2, 2)]
    assert content(spark, tmp_path, VOCABULARY) == [*grown, (4, "dog", 2, 2)]
    assert result.measured["out_of_vocabulary_tokens"] == 4  # a, unseen, words, here
    assert ("d0:000000.0", "d0", [2, 3, 0]) in content(spark, tmp_path, SENTENCES)

    limited = {"grow_vocabulary": True, "max_vocabulary_size": 4}
    run(spark, frozen.model_copy(update=limited))
    assert content(spark, tmp_path, VOCABULARY) == grown


def test_an_earlier_vocabulary_fits_the_settings():
    def config(earlier, **changes):
        return TokenizeCorpusConfig(
            inputs=TokenizeInputs(documents="d", vocabulary=earlier),
            outputs=TokenizeOutputs(sentences="out/sentences"),
            **changes,
        )

    for message, earlier, changes in (
        ("set inputs.vocabulary to the one", None, {"grow_vocabulary": True}),
        ("set phrases: null", "v", {"phrases": PhraseSettings()}),
        ("name another place", "out/vocabulary/", {}),
    ):
        with pytest.raises(ValidationError, match=message):
            config(earlier, **changes)
