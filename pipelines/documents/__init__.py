"""Vectors of documents, sentences and sessions from those of their tokens."""

from typing import TYPE_CHECKING

from pipelines.lazy import lazy_names

if TYPE_CHECKING:
    from pipelines.documents.config import DocumentsSettings
    from pipelines.documents.document_vectors import embed_documents
else:
    __getattr__ = lazy_names(
        __name__,
        {
            "config": ["DocumentsSettings"],
            "document_vectors": ["embed_documents"],
        },
    )

__all__ = ["DocumentsSettings", "embed_documents"]
