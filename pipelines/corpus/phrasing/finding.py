"""Finds phrases (word2phrase, Mikolov et al. 2013) in passes over the documents, on token ids."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pipelines.corpus.encoding import DOCUMENTS_AT_ONCE, cut_of
from pipelines.corpus.phrasing.config import PhraseSettings
from pipelines.corpus.phrasing.counting import CANDIDATES, TOKENS, CandidateCounts, MergedCounts
from pipelines.corpus.phrasing.kernels import ID_BYTES
from pipelines.corpus.phrasing.merging import PhraseLexicon, PhrasePass
from pipelines.corpus.tokenizing.config import TokenizeSettings
from pipelines.corpus.tokenizing.tables import Lexicon
from pipelines.corpus.tokenizing.texts import Texts
from pipelines.storage.task_files.columns import Columns

Batches = Iterable[pa.RecordBatch]


@dataclass
class PhrasedTokens:
    """A vocabulary and the phrases that were found in it.

    Args:
        lexicon: Encodes texts into ids of `tokens`, with the phrases of all passes so far.
        tokens: Tokens of the vocabulary, then phrases that are none of them, by token id.
        found: Per phrase `phrase_id, phrase, words, pass, count, score`.
    """

    lexicon: PhraseLexicon
    tokens: list[str]
    found: list[tuple[Any, ...]] = field(default_factory=list)


def find_phrases(
    documents: Columns, vocabulary: pa.Table, settings: TokenizeSettings
) -> PhrasedTokens:
    """Find phrases pass by pass; each pass reads the documents once.

    Two neighbours a and b of a sentence become one token where

        (count(a b) - min_count) / (count(a) count(b)) * N > threshold,

    N being the number of distinct tokens and candidates, as `gensim.models.Phrases` has it by
    default. Between them common words may stand, which begin and end no phrase. Neighbours are
    those left when tokens outside the vocabulary have fallen out.

    Args:
        documents: `text`, one row per document.
        vocabulary: What `build_vocabulary` returns.
        settings: Of tokens and, under `phrases`, of these.
    """
    wanted = settings.phrases or PhraseSettings()
    tokens = vocabulary["token"].to_pylist()
    lexicon = Lexicon(vocabulary["token"].combine_chunks(), cut_of(settings))
    common = set(wanted.common_words)
    is_common = np.array([token in common for token in tokens], np.bool_)
    state = PhrasedTokens(PhraseLexicon(lexicon, is_common), tokens)
    for number in range(1, wanted.passes + 1):
        counts = _mapped(documents, state.lexicon, _count_candidates, CANDIDATES)
        most = settings.most_tokens
        scored = _scored(counts.groupBy("candidate").agg(F.sum("count").alias("count")), wanted)
        best = scored.sort(F.desc("count"), "candidate").limit(most).toArrow()
        if not best.num_rows:
            break
        _add(state, best, number, settings)
    return state


def _mapped(
    documents: Columns, lexicon: PhraseLexicon, count: Callable[..., Any], schema: str
) -> DataFrame:
    """Return what a function yields from the batches of each task and the lexicon."""
    sent = documents.frame.sparkSession.sparkContext.broadcast(lexicon)

    def run(batches: Batches) -> Iterator[pa.RecordBatch]:
        yield from count(batches, sent.value)

    return documents.select("text").map_in_arrow(run, schema, rows=DOCUMENTS_AT_ONCE)


def _count_candidates(batches: Batches, lexicon: PhraseLexicon) -> Iterator[pa.RecordBatch]:
    counts = CandidateCounts(lexicon)
    for batch in batches:
        yield from counts.add(Texts.of(batch.column("text")))
    yield from counts.flush()


def _count_merged(batches: Batches, lexicon: PhraseLexicon) -> Iterator[pa.RecordBatch]:
    counts = MergedCounts(lexicon)
    for batch in batches:
        counts.add(Texts.of(batch.column("text")))
    yield from counts.flush()


def _scored(counts: DataFrame, wanted: PhraseSettings) -> DataFrame:
    """Return `candidate, count, score` of candidates whose score is above the threshold."""
    size = F.length("candidate")
    words = counts.where(size == ID_BYTES)
    first, last = (
        words.select(F.col("candidate").alias(name), F.col("count").alias(f"{name}_count"))
        for name in ("first", "last")
    )
    distinct = counts.agg(F.count(F.lit(1)).alias("distinct"))
    ends = (
        F.col("candidate").substr(1, ID_BYTES).alias("first"),
        F.col("candidate").substr(-ID_BYTES, ID_BYTES).alias("last"),
    )
    pairs = counts.where((size > ID_BYTES) & (F.col("count") > wanted.min_count))
    joined = pairs.select("*", *ends).join(first, "first").join(last, "last").crossJoin(distinct)
    expected = (F.col("first_count") * F.col("last_count")).cast("double")
    above = (F.col("count") - wanted.min_count).cast("double")
    score = (above / expected * F.col("distinct")).alias("score")
    return joined.select("candidate", "count", score).where(F.col("score") > wanted.threshold)


def _add(state: PhrasedTokens, best: pa.Table, number: int, settings: TokenizeSettings) -> None:
    """Give the phrases of a pass their ids; one whose text is a token already has its id."""
    wanted = settings.phrases or PhraseSettings()
    known = {token: n for n, token in enumerate(state.tokens)}
    keys, ids = best["candidate"].to_pylist(), []
    for key, count, score in zip(
        keys, *(best[n].to_pylist() for n in ("count", "score")), strict=True
    ):
        words = [state.tokens[n] for n in np.frombuffer(key, "<i4")]
        phrase = wanted.delimiter.join(words)
        ids.append(known.setdefault(phrase, len(known)))
        state.found.append((len(state.found), phrase, words, number, count, score))
    state.tokens = list(known)
    found = PhrasePass(keys, np.array(ids, np.int32), settings.max_sentence_length)
    is_common = np.zeros(len(state.tokens), np.bool_)
    is_common[: state.lexicon.is_common.size] = state.lexicon.is_common
    passes = (*state.lexicon.passes, found)
    state.lexicon = PhraseLexicon(state.lexicon.lexicon, is_common, passes)


def renumbered(
    documents: Columns, phrased: PhrasedTokens, settings: TokenizeSettings
) -> tuple[pa.Table, PhraseLexicon]:
    """Return the vocabulary with phrases, and what encodes texts into its ids.

    Words are counted where they are in no phrase: `min_count` may leave one out that was in the
    vocabulary before.
    """
    counts = _mapped(documents, phrased.lexicon, _count_merged, TOKENS).groupBy("token_id")
    sums = counts.agg(*(F.sum(n).alias(n) for n in ("count", "document_count"))).toArrow()
    kept = [
        (-count, phrased.tokens[number], documents_with, number)
        for number, count, documents_with in zip(*sums.to_pydict().values(), strict=True)
        if count >= settings.min_count and documents_with >= settings.min_document_count
    ]
    kept = sorted(kept)[: settings.most_tokens]
    numbers = np.full(len(phrased.tokens), -1, np.int32)
    numbers[[row[3] for row in kept]] = np.arange(len(kept), dtype=np.int32)
    vocabulary = {
        "token_id": pa.array(range(len(kept)), pa.int32()),
        "token": pa.array([row[1] for row in kept], pa.string()),
        "count": pa.array([-row[0] for row in kept], pa.int64()),
        "document_count": pa.array([row[2] for row in kept], pa.int64()),
    }
    lexicon = phrased.lexicon
    return pa.table(vocabulary), PhraseLexicon(
        lexicon.lexicon, lexicon.is_common, lexicon.passes, numbers
    )
