"""Use of published vectors: neighbours, recommendations, exports."""

from typing import TYPE_CHECKING

from pipelines.lazy import lazy_names

if TYPE_CHECKING:
    from pipelines.serving.config import ExportSettings, NeighboursSettings, RecommendSettings
    from pipelines.serving.on_frames import export_vectors, find_neighbours, recommend_items
else:
    __getattr__ = lazy_names(
        __name__,
        {
            "config": ["ExportSettings", "NeighboursSettings", "RecommendSettings"],
            "on_frames": ["export_vectors", "find_neighbours", "recommend_items"],
        },
    )

__all__ = [
    "ExportSettings",
    "NeighboursSettings",
    "RecommendSettings",
    "export_vectors",
    "find_neighbours",
    "recommend_items",
]
