"""Word2Vec on frames, in one call."""

from collections.abc import Mapping

from pyspark.sql import DataFrame

from pipelines.errors import ConfigError
from pipelines.training.rounds import RoundState, Trained, state_of
from pipelines.word2vec import native
from pipelines.word2vec.config import Word2VecSettings


def train(
    frames: Mapping[str, DataFrame],
    settings: Word2VecSettings,
    state: RoundState,
    files: tuple[str, ...] = (),
) -> Trained:
    """Train by the engine of the settings; see `native.train` and `mllib.train`."""
    if settings.engine == "native":
        return native.train(frames, settings, state, files)
    from pipelines.word2vec import mllib

    return mllib.train(frames, settings)


def train_word2vec(
    sentences: DataFrame,
    vocabulary: DataFrame,
    settings: Word2VecSettings,
    *,
    work: str,
    initial_vectors: DataFrame | None = None,
) -> Trained:
    """Train vectors of tokens by negative sampling.

    Args:
        sentences: `sentence_id, token_ids`.
        vocabulary: `token_id, token, count`; `items_as_tokens` makes it of `item_ids`.
        settings: Settings.
        work: Folder that shards and rounds are kept in. The returned frame reads it lazily, so it
            must live as long as the frame. A second call with the same folder goes on with the
            training that is kept there: give each training its own folder.
        initial_vectors: `entity, key, vector` of one space to begin from, if any.

    Returns:
        Vectors, one row per token: `entity, key, vector, norm` (MLlib gives no norm); the history
        of all rounds; and a summary.

    Raises:
        InputError: The vocabulary is too small, sentences have no pair or unknown token ids, or
            initial vectors are of another dimension.
        ConfigError: The vectors grew beyond all bounds, the model does not fit an executor, the
            folder holds a training of other settings, or the engine or mode cannot begin from
            initial vectors.
    """
    frames = {"sentences": sentences, "vocabulary": vocabulary}
    if initial_vectors is not None:
        try:
            settings.refuse_initial_vectors()
        except ValueError as error:
            raise ConfigError(str(error)) from None
        frames["initial_vectors"] = initial_vectors
    return train(
        frames, settings, state_of(sentences.sparkSession, work, settings.model_dump(mode="json"))
    )
