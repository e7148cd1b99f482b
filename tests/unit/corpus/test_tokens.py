"""Sentence splitting, the vocabulary's order and cap, and encoding against plain Python."""

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.corpus.config import TokenizeSettings
from pipelines.corpus.tokens import (
    build_vocabulary,
    count_tokens,
    encode_lists,
    encode_sentences,
    split_by_content,
    split_tokens,
)


def split(spark, text, **changes):
    documents = spark.createDataFrame([("d", text)], "doc_id string, text string")
    rows = split_tokens(documents, TokenizeSettings(**changes)).orderBy("sentence_id").collect()
    return [(row["sentence_id"], row["tokens"]) for row in rows]


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("The cat sat. It purred!", [["the", "cat", "sat"], ["it", "purred"]]),
        ("One line\nsame sentence\n\nnext", [["one", "line", "same", "sentence"], ["next"]]),
        ("It's 3.14, or 1,000", [["it's", "<number>", "or", "<number>"]]),
        ("read_csv(__init__, x2)", [["read_csv", "__init__", "x2"]]),
        ("Größe naïve Ωμέγα кот 猫", [["größe", "naïve", "ωμέγα", "кот", "猫"]]),
        ("___ --- ...", []),
    ],
)
def test_tokens_are_words_and_numbers_in_their_sentences(spark, text, tokens):
    assert [found for _, found in split(spark, text)] == tokens


def test_case_and_numbers_stay_when_asked(spark):
    assert split(spark, "Pi is 3.14", is_lowercase=False, number_token=None) == [
        ("d:000000.0", ["Pi", "is", "3.14"])
    ]


def test_a_long_sentence_is_cut_and_nothing_is_lost(spark):
    words = [f"w{chr(97 + n % 26)}" for n in range(11)]
    pieces = split(spark, " ".join(words), max_sentence_length=4)
    assert [len(tokens) for _, tokens in pieces] == [4, 4, 3]
    assert [t for _, tokens in pieces for t in tokens] == words
    assert len({name for name, _ in pieces}) == 3


def test_vocabulary_is_ordered_by_count_then_token_and_capped(spark):
    rows = [("a", ["x", "y", "x"]), ("b", ["y", "z", "rare"]), ("b", ["z", "c"]), ("c", ["c"])]
    sentences = spark.createDataFrame(rows, "doc_id string, tokens array<string>")
    counts = count_tokens(sentences.repartition(3)).persist()
    few = TokenizeSettings(min_count=2, max_vocabulary_size=3)
    rows = build_vocabulary(counts, few).to_pylist()
    assert [tuple(row.values()) for row in rows] == [(0, "c", 2, 2), (1, "x", 2, 1), (2, "y", 2, 2)]
    many = TokenizeSettings(min_count=1, max_vocabulary_size=100)
    everything = build_vocabulary(counts, many)
    assert everything["token"].to_pylist() == ["c", "x", "y", "z", "rare"]


@given(
    st.lists(st.lists(st.sampled_from(["a", "b", "c", "d", "é"]), max_size=5), max_size=8),
    st.data(),
)
def test_encoding_equals_a_dictionary_on_any_slice(lists, data):
    known = ["é", "a", "c"]
    array = pa.array(lists, pa.list_(pa.string()))
    start = data.draw(st.integers(0, len(lists)))
    expected = [[known.index(t) for t in row if t in known] for row in lists[start:]]
    assert encode_lists(array.slice(start), pa.array(known)).to_pylist() == expected


def test_sentences_without_a_known_token_are_told_apart(spark):
    rows = [("s1", "d", ["a", "q"]), ("s2", "d", ["q"])]
    sentences = spark.createDataFrame(
        rows, "sentence_id string, doc_id string, tokens array<string>"
    )
    vocabulary = pa.table({"token_id": [0], "token": ["a"], "count": [1]})
    known, unknown = split_by_content(encode_sentences(sentences, vocabulary))
    assert [tuple(r) for r in known.collect()] == [("s1", "d", [0])]
    assert [r["sentence_id"] for r in unknown.collect()] == ["s2"]
