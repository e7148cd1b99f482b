"""Answers from published vectors: neighbours, recommendations, exports.

The names below are imported when they are first used: tasks import this package too.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipelines.serving.config import ExportSettings, NeighboursSettings, RecommendSettings
    from pipelines.serving.on_frames import export_vectors, find_neighbours, recommend_items

_MODULE_OF = {
    "ExportSettings": "config",
    "NeighboursSettings": "config",
    "RecommendSettings": "config",
    "export_vectors": "on_frames",
    "find_neighbours": "on_frames",
    "recommend_items": "on_frames",
}
__all__ = [
    "ExportSettings",
    "NeighboursSettings",
    "RecommendSettings",
    "export_vectors",
    "find_neighbours",
    "recommend_items",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
