"""Embedding spaces: the registry, staging, the gate, publication.

The names below are imported when they are first used: tasks import this package too.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipelines.spaces.config import Limits
    from pipelines.spaces.unregistered import check_vectors, publish_vectors

_MODULE_OF = {
    "Limits": "config",
    "check_vectors": "unregistered",
    "publish_vectors": "unregistered",
}
__all__ = ["Limits", "check_vectors", "publish_vectors"]


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
