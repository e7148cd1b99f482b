"""`tokenize_corpus`: exact tables whatever the partitioning, and every sentence accounted for."""

import re
from dataclasses import replace

import pytest
from pydantic import ValidationError
from tokenizers import Tokenizer

from jobs.tokenize_corpus import run
from pipelines import tables
from pipelines.corpus.phrasing.config import PhraseSettings
from pipelines.corpus.subwords.sample import sample_texts
from pipelines.corpus.tokenizing.config import TokenizeCorpusConfig, TokenizeInputs, TokenizeOutputs
from pipelines.errors import GateError, InputError
from pipelines.storage.task_files.columns import Columns
from schemas import DOCUMENTS, PHRASES, RUN_COUNTS, SENTENCES, VOCABULARY

TEXTS = ["The cat sat. The dog sat!", "A cat. Unseen words here.", "the dog"]


def prepare(spark, folder, partitions, stored="parquet", texts=TEXTS):
    """Write documents as they were before columns were added."""
    older = replace(DOCUMENTS, columns=tuple(c for c in DOCUMENTS.columns if not c.added))
    rows = [(f"d{n}", "f", n, text, 0, 0, 0.0, 0.0, 0.0, 0.0) for n, text in enumerate(texts)]
    frame = spark.createDataFrame(rows, older.schema()).repartition(partitions)
    tables.write(frame, older, str(folder / "documents"), format=stored, part={}, metadata={})
    return TokenizeCorpusConfig(
        inputs=TokenizeInputs(documents=str(folder / "documents")),
        outputs=TokenizeOutputs(sentences=str(folder / "sentences")),
        format="parquet",
        min_count=2,
    )


def of_subwords(config, folder, **changes):
    """The settings of BPE, with outputs in a folder."""
    own = TokenizeOutputs(sentences=str(folder / "sentences"))
    changes = {"tokenizer": "bpe", "max_vocabulary_size": 60, "outputs": own, **changes}
    return config.model_copy(update=changes)


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
        ("phrases are of words", None, {"phrases": PhraseSettings(), "tokenizer": "bpe"}),
        ("needs its inputs.tokenizer_file", "v", {"tokenizer": "unigram"}),
        ("name another place", "out/vocabulary/", {}),
    ):
        with pytest.raises(ValidationError, match=message):
            config(earlier, **changes)


def test_subwords_have_the_ids_of_their_file_whatever_the_partitioning(spark, tmp_path):
    found = []
    texts = [f"{text} the cat and the dog {'sat' * n}" for n, text in enumerate(TEXTS * 9)]
    for partitions in (1, 7):
        folder = tmp_path / str(partitions)
        config = of_subwords(prepare(spark, folder, partitions, texts=texts), folder)
        result = run(spark, config)
        file = (folder / "tokenizer" / "tokenizer.json").read_text(encoding="utf-8")
        found.append((file, *(content(spark, folder, t) for t in (VOCABULARY, SENTENCES))))
        documents = Columns(
            spark.read.parquet(config.inputs.documents).select("doc_id", "text"), ()
        )
        found[-1] += (sample_texts(documents, size=300, seed=1),)
    assert found[0] == found[1]
    assert 150 < len("".join(found[0][-1])) < 400 < sum(map(len, texts)) / 2

    direct = Tokenizer.from_str(found[0][0])
    _, vocabulary, sentences, _ = found[0]
    assert all(direct.token_to_id(token) == number for number, token, *_ in vocabulary)
    kept = {number for number, *_ in vocabulary}
    wanted = {
        f"d{n}:{number:06d}.0": [i for i in direct.encode(part).ids if i in kept]
        for n, text in enumerate(texts)
        for number, part in enumerate(re.split(r"(?<=[.!]) ", text))
    }
    assert {name: ids for name, _, ids in sentences} == wanted
    tokens = sum(len(direct.encode(part).ids) for t in texts for part in re.split(r"(?<=[.!]) ", t))
    known = sum(count for *_, count, _ in vocabulary)
    assert result.measured == {"tokens": tokens, "out_of_vocabulary_tokens": tokens - known}
    assert known == sum(map(len, wanted.values()))

    # new documents by the file and the vocabulary of that run
    new = prepare(spark, tmp_path / "new", 1, texts=["A dog, the unseen猫!"])
    inputs = new.inputs.model_copy(
        update={
            "tokenizer_file": str(folder / "tokenizer"),
            "vocabulary": str(folder / "vocabulary"),
        }
    )
    result = run(spark, of_subwords(new, tmp_path / "new", inputs=inputs))
    assert content(spark, tmp_path / "new", VOCABULARY) == vocabulary
    ids = direct.encode("A dog, the unseen猫!").ids
    assert content(spark, tmp_path / "new", SENTENCES) == [
        ("d0:000000.0", "d0", [number for number in ids if number in kept])
    ]
    assert result.measured["out_of_vocabulary_tokens"] == sum(i not in kept for i in ids) > 0
    other = of_subwords(new, tmp_path / "new", inputs=inputs, tokenizer="unigram")
    with pytest.raises(InputError, match="set tokenizer: bpe"):
        run(spark, other)
