"""Phrases against gensim's, pass by pass, whatever the partitions and the room of a table."""

import numpy as np
import pyarrow as pa
import pytest
from gensim.models.phrases import Phrases

from pipelines.corpus.phrasing import finding
from pipelines.corpus.phrasing.config import PhraseSettings
from pipelines.corpus.phrasing.counting import CandidateCounts
from pipelines.corpus.phrasing.merging import PhraseLexicon
from pipelines.corpus.tokenizing.config import TokenizeSettings
from pipelines.corpus.tokenizing.tables import Cut, Lexicon
from pipelines.corpus.tokenizing.texts import Texts
from pipelines.corpus.tokenizing.vocabulary import build_vocabulary
from pipelines.corpus.tokens import count_tokens, encode, tokenize
from pipelines.storage.task_files.columns import Columns

COMMON = ["of", "the"]


def corpus(seed=1):
    """Documents of a few sentences in which some neighbours occur together far too often."""
    rng = np.random.default_rng(seed)
    words = [f"{c}{d}" for c in "bcdfg" for d in "aeiou"] + COMMON
    texts = []
    for _ in range(120):
        sentences = []
        for _ in range(rng.integers(1, 4)):
            found = rng.choice(words, rng.integers(1, 9)).tolist()
            place = int(rng.integers(0, len(found) + 1))
            found[place:place] = [
                ["new", "york"],
                ["new", "york", "times"],
                ["bank", "of", "the", "sea"],
                [],
            ][int(rng.integers(0, 4))]
            sentences.append(" ".join(found))
        texts.append(". ".join(sentences))
    return texts


def gensims(texts, wanted):
    """The sentences after all passes, and each pass's phrases with their scores."""
    sentences = [part.split() for text in texts for part in text.split(". ")]
    found = []
    for _ in range(wanted.passes):
        model = Phrases(
            sentences,
            min_count=wanted.min_count,
            threshold=wanted.threshold,
            delimiter=wanted.delimiter,
            connector_words=frozenset(wanted.common_words),
        )
        # of all that may be a phrase: export_phrases parts tokens at delimiters of earlier passes
        found.append({p for s in sentences for p, score in model.analyze_sentence(s) if score})
        sentences = [list(model[sentence]) for sentence in sentences]
    return sentences, found


def documents(spark, texts, partitions):
    rows = [(f"d{n:03}", text) for n, text in enumerate(texts)]
    return Columns(
        spark.createDataFrame(rows, "doc_id string, text string").repartition(partitions), ()
    )


@pytest.mark.parametrize(
    ("passes", "threshold", "partitions"), [(1, 1.0, 1), (2, 3.0, 3), (3, 0.5, 2)]
)
def test_sentences_and_phrases_are_those_of_gensim(spark, passes, threshold, partitions):
    texts = corpus()
    wanted = PhraseSettings(passes=passes, threshold=threshold, min_count=3, common_words=COMMON)
    settings = TokenizeSettings(min_count=1, phrases=wanted)
    columns = documents(spark, texts, partitions)
    found = encode(columns, build_vocabulary(count_tokens(columns, settings), settings), settings)
    tokens = found.vocabulary["token"].to_pylist()
    rows = found.sentences.known().orderBy("sentence_id").collect()
    ours = [[tokens[n] for n in row["token_ids"]] for row in rows]
    theirs, phrases = gensims(texts, wanted)
    assert ours == theirs
    assert any(len(token.split("_")) > 2 for sentence in ours for token in sentence)
    for number, own in enumerate(phrases, start=1):
        assert own <= {row[1] for row in found.phrases if row[3] == number}
    flat = [token for sentence in ours for token in sentence]
    assert dict(zip(tokens, found.vocabulary["count"].to_pylist(), strict=True)) == {
        token: flat.count(token) for token in tokens
    }


def test_scores_are_those_of_gensim(spark):
    texts, wanted = corpus(2), PhraseSettings(threshold=1e-9, min_count=1)
    settings = TokenizeSettings(min_count=1, phrases=wanted)
    columns = documents(spark, texts, 2)
    vocabulary = build_vocabulary(count_tokens(columns, settings), settings)
    found = finding.find_phrases(columns, vocabulary, settings).found
    model = Phrases([p.split() for t in texts for p in t.split(". ")], min_count=1, threshold=1e-9)
    assert {row[1]: row[5] for row in found} == pytest.approx(model.export_phrases(), rel=1e-12)
    assert {row[1]: row[4] for row in found} == {row[1]: model.vocab[row[1]] for row in found}
    order = [(-row[4], row[0]) for row in found]
    assert order == sorted(order)


def test_a_small_table_of_candidates_gives_the_same_counts():
    texts, cut = corpus(3), Cut(True, None, 100)
    words = sorted({word for text in texts for word in text.replace(".", "").split()})
    lexicon = PhraseLexicon(Lexicon(pa.array(words), cut), np.zeros(len(words), np.bool_))
    totals = []
    for most in (1 << 20, 3):
        counts, total = CandidateCounts(lexicon, most=most), {}
        batches = [
            b for n in range(0, 120, 7) for b in counts.add(Texts.of(pa.array(texts[n : n + 7])))
        ]
        for batch in (*batches, *counts.flush()):
            for key, count in zip(*batch.to_pydict().values(), strict=True):
                total[key] = total.get(key, 0) + count
        totals.append(total)
    assert totals[0] == totals[1]
    assert len(batches) > 5


def test_a_phrase_whose_text_is_a_token_is_that_token(spark):
    texts = ["new york. new york. new york", "new_york sea", "sea. sea. sea"]
    wanted = PhraseSettings(threshold=0.1, min_count=1)
    frame = documents(spark, texts, 1).frame
    found = tokenize(frame, TokenizeSettings(min_count=1, phrases=wanted))
    rows = {
        row["token"]: (row["count"], row["document_count"]) for row in found["vocabulary"].collect()
    }
    assert rows == {"new_york": (4, 2), "sea": (4, 2)}


def test_words_that_phrases_have_used_up_fall_out(spark):
    texts = ["new york. new york. new york. new sea", "old"]
    wanted = PhraseSettings(threshold=0.1, min_count=1)
    frame = documents(spark, texts, 1).frame
    found = tokenize(frame, TokenizeSettings(min_count=2, phrases=wanted))
    assert [row["token"] for row in found["vocabulary"].collect()] == ["new_york"]
    sentences = found["sentences"].orderBy("sentence_id").collect()
    assert [row["token_ids"] for row in sentences] == [[0]] * 3
