"""Which of the counted tokens make the vocabulary, and by which ids."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from pipelines.corpus.tokenizing.config import TokenizeSettings
from pipelines.errors import InputError

_COUNTS = ("count", "document_count")


def build_vocabulary(
    counts: DataFrame,
    settings: TokenizeSettings,
    *,
    stop_words: Sequence[str] = (),
    earlier: pa.Table | None = None,
    unknown: str | None = None,
) -> pa.Table:
    """Number the tokens that are frequent enough by count descending, then token.

    An earlier vocabulary is returned as it is, or with `grow_vocabulary` with new tokens behind its
    own, numbered on, and with the counts of its tokens added to theirs. The one table that the
    driver holds: capped by `max_vocabulary_size`.

    Args:
        counts: What `count_tokens` returns.
        settings: Of the vocabulary.
        stop_words: Tokens that are left out, beside those of the settings.
        earlier: What `read_earlier` returns.
        unknown: Token that stands for what a tokenizer does not know, which is left out.

    Returns: `token_id, token, count, document_count`, by id.
    """
    kept = counts.where(_is_kept(settings, stop_words, unknown))
    if earlier is None:
        return _numbered(_most_frequent(kept, settings.most_tokens), 0)
    if not settings.grow_vocabulary:
        return earlier
    known = F.broadcast(counts.sparkSession.createDataFrame(earlier.select(["token_id", "token"])))
    again = counts.join(known, "token").select("token_id", *_COUNTS).toArrow()
    room = max(0, settings.most_tokens - earlier.num_rows)
    others = _most_frequent(kept.join(known, "token", "left_anti"), room)
    new = _numbered(others, _last_id(earlier) + 1)
    return pa.concat_tables([_added(earlier, again), new])


def read_earlier(vocabulary: DataFrame) -> pa.Table:
    """Return an earlier vocabulary by id.

    Raises:
        InputError: It has no token.
    """
    names = ["token_id", "token", *_COUNTS]
    found = vocabulary.select(*names).toArrow().sort_by("token_id").combine_chunks()
    if not found.num_rows:
        raise InputError("inputs.vocabulary has no token; name that of an earlier run")
    return found


def require_word_ids(vocabulary: pa.Table) -> None:
    """Refuse a vocabulary whose ids are not those of words: 0, 1, 2 and so on.

    Raises:
        InputError: An id is missing.
    """
    if _last_id(vocabulary) + 1 != vocabulary.num_rows:
        raise InputError(
            f"inputs.vocabulary: {vocabulary.num_rows} tokens with ids up to "
            f"{_last_id(vocabulary)} are not of words; name a vocabulary of the same tokenizer"
        )


def known_tokens(counts: DataFrame, vocabulary: pa.Table, earlier: pa.Table | None) -> int:
    """Return how many of the counted tokens are in the vocabulary.

    Args:
        counts: What `count_tokens` returns.
        vocabulary: What `build_vocabulary` returns.
        earlier: The vocabulary that it was built from.
    """
    if earlier is None or vocabulary is not earlier:
        return _total(vocabulary) - (0 if earlier is None else _total(earlier))
    known = F.broadcast(counts.sparkSession.createDataFrame(earlier.select(["token"])))
    return int(counts.join(known, "token").agg(F.sum("count")).collect()[0][0] or 0)


def _most_frequent(counts: DataFrame, most: int) -> pa.Table:
    ordered = counts.sort(F.desc("count"), F.asc("token")).limit(most)
    return ordered.select("token", *_COUNTS).toArrow()


def _is_kept(settings: TokenizeSettings, stop_words: Sequence[str], unknown: str | None) -> Column:
    """Return whether a token may be in the vocabulary."""
    is_kept = (
        F.col("token").isNotNull()
        & (F.col("count") >= settings.min_count)
        & (F.col("document_count") >= settings.min_document_count)
    )
    left_out = {*settings.stop_words, *stop_words}
    if settings.is_lowercase:
        left_out = {word.lower() for word in left_out}
    if unknown is not None:
        left_out.add(unknown)
    return is_kept & ~F.col("token").isin(sorted(left_out)) if left_out else is_kept


def _numbered(found: pa.Table, first: int) -> pa.Table:
    ids = pa.array(range(first, first + found.num_rows), pa.int32())
    return found.add_column(0, "token_id", ids)


def _added(earlier: pa.Table, again: pa.Table) -> pa.Table:
    """Return a vocabulary with further counts of its tokens."""
    places = np.searchsorted(earlier["token_id"].to_numpy(), again["token_id"].to_numpy())
    for name in _COUNTS:
        sums = earlier[name].to_numpy().copy()
        sums[places] += again[name].to_numpy()
        earlier = earlier.set_column(earlier.schema.get_field_index(name), name, pa.array(sums))
    return earlier


def _last_id(vocabulary: pa.Table) -> int:
    return int(vocabulary["token_id"][-1].as_py())


def _total(vocabulary: pa.Table) -> int:
    return int(pc.sum(vocabulary["count"]).as_py() or 0)
