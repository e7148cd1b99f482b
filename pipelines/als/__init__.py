"""Interactions to user and item vectors by alternating least squares."""

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
