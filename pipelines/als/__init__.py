"""Interactions to user and item vectors by alternating least squares.

    from pipelines.als import AlsSettings, train_als

    settings = AlsSettings(rank=32)
    trained = train_als(interactions, user_ids, item_ids, settings, work="work/recommender")
    trained.vectors.show()

Names are imported when they are first used: Python workers import kernels from below this package,
and need neither pydantic nor MLlib.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipelines.als.config import AlsSettings
    from pipelines.als.fold_in.config import FoldInSettings
    from pipelines.als.frames import fold_in_vectors, train_als, tune_als
    from pipelines.als.tuning.config import TuningSettings
    from pipelines.training.rounds import Trained

__all__ = [
    "AlsSettings",
    "FoldInSettings",
    "Trained",
    "TuningSettings",
    "fold_in_vectors",
    "train_als",
    "tune_als",
]

_MODULES = {
    "AlsSettings": "pipelines.als.config",
    "FoldInSettings": "pipelines.als.fold_in.config",
    "Trained": "pipelines.training.rounds",
    "TuningSettings": "pipelines.als.tuning.config",
    "fold_in_vectors": "pipelines.als.frames",
    "train_als": "pipelines.als.frames",
    "tune_als": "pipelines.als.frames",
}


def __getattr__(name: str) -> Any:
    """Import a public name from its module."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)
