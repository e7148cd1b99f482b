"""Vectors of documents, sentences and sessions from those of their tokens.

The names below are imported when they are first used: tasks import this package too.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipelines.documents.config import DocumentsSettings
    from pipelines.documents.document_vectors import embed_documents

_MODULE_OF = {
    "DocumentsSettings": "config",
    "embed_documents": "document_vectors",
}
__all__ = ["DocumentsSettings", "embed_documents"]


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
