"""ALS on frames, in one call each: to train, to fold in, and to search for settings."""

from collections.abc import Mapping
from typing import Any

from pyspark.sql import DataFrame

from pipelines.als import native
from pipelines.als.config import NATIVE_ONLY, AlsSettings
from pipelines.als.fold_in.config import FoldInSettings
from pipelines.als.fold_in.pairs import gather_rows
from pipelines.als.fold_in.solving import fold_in
from pipelines.als.fold_in.space import collect_space
from pipelines.als.tuning.config import TuningSettings
from pipelines.als.tuning.search import search
from pipelines.errors import ConfigError
from pipelines.training.rounds import RoundState, Trained, state_of


def train(frames: Mapping[str, DataFrame], settings: AlsSettings, state: RoundState) -> Trained:
    """Train by the engine of the settings; see `native.train` and `mllib.train`."""
    if settings.engine == "native":
        return native.train(frames, settings, state)
    if "initial_vectors" in frames:
        raise ConfigError(NATIVE_ONLY)
    from pipelines.als import mllib

    return mllib.train(frames, settings)


def train_als(
    interactions: DataFrame,
    user_ids: DataFrame,
    item_ids: DataFrame,
    settings: AlsSettings,
    *,
    work: str,
    initial_vectors: DataFrame | None = None,
) -> Trained:
    """Train user and item vectors by alternating least squares.

    Args:
        interactions: `user_id, item_id, weight, split`; pairs of the split `train` are used.
        user_ids: `id, key` of the users.
        item_ids: `id, key` of the items.
        settings: Settings.
        work: Folder that cells and factors are kept in. The returned frame reads it lazily, so it
            must live as long as the frame. A second call with the same folder goes on with the fit
            that is kept there: give each fit its own folder.
        initial_vectors: `entity, key, vector` of one space to begin from, if any.

    Returns:
        Vectors, one row per user and item of the training split: `entity, key, vector, norm` (MLlib
        gives no norm); the history of all sweeps; and a summary.

    Raises:
        InputError: Interactions cannot be trained on, or initial vectors are of another rank.
        ConfigError: The folder holds a fit of other settings, or the engine cannot begin from
            initial vectors.
    """
    frames = {"interactions": interactions, "user_ids": user_ids, "item_ids": item_ids}
    if initial_vectors is not None:
        frames["initial_vectors"] = initial_vectors
    return train(
        frames,
        settings,
        state_of(interactions.sparkSession, work, settings.model_dump(mode="json")),
    )


def fold_in_vectors(
    vectors: DataFrame,
    interactions: DataFrame,
    user_ids: DataFrame,
    item_ids: DataFrame,
    trained_with: AlsSettings,
    settings: FoldInSettings,
    *,
    mean: float = 0.0,
) -> DataFrame:
    """Return vectors of new or changed users or items in a trained space, which stays as it is.

    Args:
        vectors: `entity, key, vector` of the space.
        interactions: `user_id, item_id, weight, split`, with the pairs of the keys to fold in.
        user_ids: `id, key` of the users.
        item_ids: `id, key` of the items.
        trained_with: Settings that the space was trained with, by the native engine.
        settings: Settings of fold-in.
        mean: Measure `mean` of the training, which there is for ratings with biases only.

    Returns:
        One row per key that has a usable pair: `entity, key, vector, norm`. Reading the frame
        fails on weights that training would refuse.

    Raises:
        InputError: The other side has no vectors, or more than `max_opposite_megabytes`.
    """
    frames = {
        "vectors": vectors,
        "interactions": interactions,
        "user_ids": user_ids,
        "item_ids": item_ids,
    }
    space = collect_space(frames, settings, trained_with, mean)
    rows = gather_rows(frames, settings, space.objective)
    shared = vectors.sparkSession.sparkContext.broadcast(space)
    return fold_in(rows, shared, entity=settings.entity)


def tune_als(
    interactions: DataFrame, settings: TuningSettings, *, work: str
) -> list[dict[str, Any]]:
    """Search for the settings that rank held-out interactions best.

    Args:
        interactions: `user_id, item_id, weight, split`: `train` is fitted, `evaluation_split`
            ranked.
        settings: Settings of the search.
        work: Folder that cells and results are kept in. A second call with the same folder goes on
            with the search that is kept there.

    Returns:
        One row per candidate and sweep, as in table `tuning_results`; `is_best` marks the best.

    Raises:
        InputError: A split has no pairs.
        ConfigError: A candidate of the last rank does not fit an executor, or the folder holds a
            search of other settings.
    """
    return search(
        interactions,
        settings,
        state_of(interactions.sparkSession, work, settings.model_dump(mode="json")),
    )
