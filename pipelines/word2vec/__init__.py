"""Sentences to word vectors, and sessions to item vectors, by negative sampling."""

from typing import TYPE_CHECKING

from pipelines.lazy import lazy_names

if TYPE_CHECKING:
    from pipelines.word2vec.config import Word2VecSettings
    from pipelines.word2vec.frames import train_word2vec
    from pipelines.word2vec.vectors import items_as_tokens
else:
    __getattr__ = lazy_names(
        __name__,
        {
            "config": ["Word2VecSettings"],
            "frames": ["train_word2vec"],
            "vectors": ["items_as_tokens"],
        },
    )

__all__ = ["Word2VecSettings", "items_as_tokens", "train_word2vec"]
