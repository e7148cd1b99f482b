"""Embedding spaces: the registry, staging, the gate, publication."""

from typing import TYPE_CHECKING

from pipelines.lazy import lazy_names

if TYPE_CHECKING:
    from pipelines.spaces.config import Limits
    from pipelines.spaces.unregistered import check_vectors, publish_vectors
else:
    __getattr__ = lazy_names(
        __name__,
        {
            "config": ["Limits"],
            "unregistered": ["check_vectors", "publish_vectors"],
        },
    )

__all__ = ["Limits", "check_vectors", "publish_vectors"]
