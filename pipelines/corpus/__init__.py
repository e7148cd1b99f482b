"""Raw text to documents, sentences and vocabulary."""

from typing import TYPE_CHECKING

from pipelines.lazy import lazy_names

if TYPE_CHECKING:
    from pipelines.corpus.cleaning import clean_documents
    from pipelines.corpus.config import CleaningSettings
    from pipelines.corpus.tokenizing.config import TokenizeSettings
    from pipelines.corpus.tokens import tokenize
else:
    __getattr__ = lazy_names(
        __name__,
        {
            "cleaning": ["clean_documents"],
            "config": ["CleaningSettings"],
            "tokenizing.config": ["TokenizeSettings"],
            "tokens": ["tokenize"],
        },
    )

__all__ = ["CleaningSettings", "TokenizeSettings", "clean_documents", "tokenize"]
