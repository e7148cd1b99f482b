"""Interactions to user and item vectors by alternating least squares.

    from pipelines.als import AlsSettings, train_als

    trained = train_als(interactions, user_ids, item_ids, AlsSettings(rank=32), work="work/fit")

`trained.vectors` reads the folder `work` lazily: it must live as long as the frame.
"""

from typing import TYPE_CHECKING

from pipelines.lazy import lazy_names

if TYPE_CHECKING:
    from pipelines.als.config import AlsSettings
    from pipelines.als.fold_in.config import FoldInSettings
    from pipelines.als.frames import fold_in_vectors, train_als, tune_als
    from pipelines.als.tuning.config import TuningSettings
else:
    __getattr__ = lazy_names(
        __name__,
        {
            "config": ["AlsSettings"],
            "fold_in.config": ["FoldInSettings"],
            "frames": ["fold_in_vectors", "train_als", "tune_als"],
            "tuning.config": ["TuningSettings"],
        },
    )

__all__ = [
    "AlsSettings",
    "FoldInSettings",
    "TuningSettings",
    "fold_in_vectors",
    "train_als",
    "tune_als",
]
