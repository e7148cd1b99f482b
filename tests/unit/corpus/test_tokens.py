"""Tokens on frames: sentences, the vocabulary's order and cap, and what holds no known token."""

import pyarrow as pa
import pytest

from pipelines.corpus.tokenizing.config import TokenizeSettings
from pipelines.corpus.tokenizing.vocabulary import build_vocabulary
from pipelines.corpus.tokens import Survey, count_tokens, encode, survey_counts, tokenize
from pipelines.storage.task_files.columns import Columns
from schemas import SENTENCES


def documents(spark, texts, partitions=1):
    rows = [(f"d{n}" if n else "d", text) for n, text in enumerate(texts)]
    frame = spark.createDataFrame(rows, "doc_id string, text string").repartition(partitions)
    return Columns(frame, ())


def split(spark, text, **changes):
    """The tokens of a text's sentences, told by a vocabulary of all of them."""
    settings = TokenizeSettings(min_count=1, **changes)
    found = tokenize(documents(spark, [text]).frame, settings)
    words = {row["token_id"]: row["token"] for row in found["vocabulary"].collect()}
    rows = found["sentences"].orderBy("sentence_id").collect()
    return [(row["sentence_id"], [words[n] for n in row["token_ids"]]) for row in rows]


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("The cat sat. It purred!", [["the", "cat", "sat"], ["it", "purred"]]),
        ("One line\nsame sentence\n\nnext", [["one", "line", "same", "sentence"], ["next"]]),
        ("It's 3.14, or 1,000", [["it's", "<number>", "or", "<number>"]]),
        ("read_csv(__init__, x2)", [["read_csv", "__init__", "x2"]]),
        ("Größe naïve Ωμέγα кот 猫", [["größe", "naïve", "ωμέγα", "кот", "猫"]]),
        ("co\u00adoperate می\u200cخواهم", [["cooperate", "می\u200cخواهم"]]),
        ("猫。犬！鳥", [["猫"], ["犬"], ["鳥"]]),
        ("我读Python书3本", [["我", "读", "python", "书", "<number>", "本"]]),
        ("น้ำ", [["น้", "ำ"]]),
        ("राम घर गया। सीता؟ ok", [["राम", "घर", "गया"], ["सीता"], ["ok"]]),
    ],
)
def test_tokens_are_words_and_numbers_in_their_sentences(spark, text, tokens):
    assert [found for _, found in split(spark, text)] == tokens


def test_a_text_without_a_token_has_no_sentence(spark):
    counts = count_tokens(documents(spark, ["___ --- ..."]), TokenizeSettings())
    vocabulary = build_vocabulary(counts, TokenizeSettings())
    assert vocabulary.num_rows == 0
    assert survey_counts(counts, vocabulary, None) == Survey(0, 0, 0)


def test_case_and_numbers_stay_when_asked(spark):
    assert split(spark, "Pi is 3.14", is_lowercase=False, number_token=None) == [
        ("d:000000.0", ["Pi", "is", "3.14"])
    ]


def test_a_long_sentence_is_cut_and_nothing_is_lost(spark):
    words = [f"w{chr(97 + n % 26)}" for n in range(11)]
    pieces = split(spark, "... \n\n" + " ".join(words), max_sentence_length=4)
    assert [name for name, _ in pieces] == ["d:000001.0", "d:000001.1", "d:000001.2"]
    assert [len(tokens) for _, tokens in pieces] == [4, 4, 3]
    assert [t for _, tokens in pieces for t in tokens] == words


def test_vocabulary_is_ordered_by_count_then_token_and_capped(spark):
    texts = ["x y x", "y z rare\n\nz c", "c"]
    counts = count_tokens(documents(spark, texts, partitions=3), TokenizeSettings()).persist()
    few = TokenizeSettings(min_count=2, max_vocabulary_size=3)
    rows = build_vocabulary(counts, few).to_pylist()
    assert [tuple(row.values()) for row in rows] == [(0, "c", 2, 2), (1, "x", 2, 1), (2, "y", 2, 2)]
    many = TokenizeSettings(min_count=1, max_vocabulary_size=100)
    everything = build_vocabulary(counts, many)
    assert survey_counts(counts, everything, None).sentences == 4
    assert everything["token"].to_pylist() == ["c", "x", "y", "z", "rare"]


@pytest.mark.parametrize(
    ("tokenizer", "tokens"),
    [
        ("whitespace", [["c++", "is", "3.14"], ["it's", "。ok"]]),
        ("characters", [["c"], ["i", "s", "<number>"], ["i", "t", "s"], ["o", "k"]]),
    ],
)
def test_a_token_is_what_the_tokenizer_says(spark, tokenizer, tokens):
    text = "C++  is 3.14\n\nit's 。ok" if tokenizer == "whitespace" else "C!\n is 3.14\n\nit's。ok"
    assert [found for _, found in split(spark, text, tokenizer=tokenizer)] == tokens


def test_stop_words_and_tokens_of_few_documents_are_left_out(spark):
    counts = count_tokens(documents(spark, ["the x the y", "The x z z", "y"]), TokenizeSettings())
    settings = TokenizeSettings(min_count=1, min_document_count=2, stop_words=["The"])
    assert build_vocabulary(counts, settings)["token"].to_pylist() == ["x", "y"]
    assert build_vocabulary(counts, settings, stop_words=["x"])["token"].to_pylist() == ["y"]


def test_sentences_without_a_known_token_are_told_apart(spark):
    vocabulary = pa.table({"token_id": [0], "token": ["a"], "count": [1]})
    encoded = encode(documents(spark, ["a q. q"]), vocabulary, TokenizeSettings())
    known, left_out = encoded.sentences.observed(SENTENCES)
    assert [tuple(r) for r in known.collect()] == [("d:000000.0", "d", [0])]
    assert left_out() == 1
    piece = pa.table({"token_ids": pa.array([[0], []], pa.list_(pa.int32()))})
    kept, count = encoded.sentences.divide(piece)
    assert (kept.to_pydict(), count) == ({"token_ids": [[0]]}, 1)
