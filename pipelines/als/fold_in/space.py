"""The space that rows are folded into: its objective, and the vectors of the other side."""

import json
from collections.abc import Mapping

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pipelines.als.config import AlsSettings
from pipelines.als.fold_in.config import FoldInSettings
from pipelines.als.fold_in.solving import FoldInSpace
from pipelines.als.sides import opposite_entity
from pipelines.errors import InputError
from pipelines.ranking.keyed_vectors import collect_vectors


def read_training(parameters: str, history: DataFrame) -> tuple[AlsSettings, float]:
    """Return the settings that a space was trained with, and the mean of its ratings.

    Args:
        parameters: Settings of its trainer as JSON, as the registry keeps them.
        history: `training_history` of the space.

    Raises:
        InputError: The space is not one of `train_als`'s native engine.
    """
    known = json.loads(parameters)
    if known.get("engine") != "native" or "objective" not in known:
        raise InputError(
            "embedding_spaces: the space was not trained by train_als with engine: native, so the "
            "objective that its vectors minimise is not known; name another by space_id"
        )
    settings = AlsSettings.model_validate(
        {name: value for name, value in known.items() if name in AlsSettings.model_fields}
    )
    row = history.where(F.col("metric") == "mean").select("value").first()
    return settings, float(row[0]) if row else 0.0


def collect_space(
    frames: Mapping[str, DataFrame],
    settings: FoldInSettings,
    trained_with: AlsSettings,
    mean: float,
) -> FoldInSpace:
    """Collect what every task needs of a space.

    Args:
        frames: `vectors` of the space, `user_ids`, `item_ids`.
        settings: Settings of fold-in.
        trained_with: Settings of the space's training.
        mean: Mean of the ratings it was trained on; without effect unless there are biases.

    Raises:
        InputError: The other side has no vectors, or more than `max_opposite_megabytes`.
    """
    entity = opposite_entity(settings.entity)
    opposite = collect_vectors(
        frames["vectors"],
        frames[f"{entity}_ids"].select("key", "id"),
        entity=entity,
        is_normalised=False,
        max_megabytes=settings.max_opposite_megabytes,
        setting="max_opposite_megabytes",
    )
    return FoldInSpace(trained_with.to_objective(mean), trained_with.is_nonnegative, opposite)
