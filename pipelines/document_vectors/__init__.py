"""Vectors of documents, sentences and sessions from those of their tokens."""

from typing import TYPE_CHECKING

from pipelines.lazy import lazy_names

if TYPE_CHECKING:
    from pipelines.document_vectors.config import DocumentsSettings
    from pipelines.document_vectors.frames import embed_documents
else:
    __getattr__ = lazy_names(
        __name__,
        {
            "config": ["DocumentsSettings"],
            "frames": ["embed_documents"],
        },
    )

__all__ = ["DocumentsSettings", "embed_documents"]
