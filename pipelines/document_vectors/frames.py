"""Document vectors from sentences and word vectors: weighted means less common components."""

from dataclasses import dataclass

from pyspark import StorageLevel
from pyspark.sql import DataFrame

from pipelines.document_vectors.components import principal_components, without_components
from pipelines.document_vectors.config import DocumentsSettings
from pipelines.document_vectors.embedding import (
    DocumentCounts,
    count_documents,
    embed,
    gather_documents,
    with_document_counts,
)
from pipelines.document_vectors.token_vectors import InputNames, collect_words
from pipelines.space_rows import of_space, require_one_space

_NAMES = InputNames()


@dataclass(frozen=True)
class EmbeddedDocuments:
    """Document vectors that are not written yet.

    Args:
        rows: Rows of `document_vectors`.
        counts: Numbers of documents and tokens.
        means: The means that `rows` reads, persisted on disk; the caller unpersists them.
    """

    rows: DataFrame
    counts: DocumentCounts
    means: DataFrame


def embed_documents(
    sentences: DataFrame,
    vocabulary: DataFrame,
    vectors: DataFrame,
    settings: DocumentsSettings | None = None,
    *,
    space_id: str | None = None,
) -> DataFrame:
    """Return a vector per document (or sentence, or session) by Arora, Liang and Ma (2017).

    The means stay persisted on disk until the Spark session ends.

    Args:
        sentences: Rows of `sentences` or `sessions`.
        vocabulary: `token_id, token, count`, and `document_count`, else counted from the sentences.
        vectors: Rows of `vectors`.
        settings: Settings; the defaults where None.
        space_id: The space; None where the vectors are of one space.

    Returns:
        Rows of `document_vectors`.

    Raises:
        InputError: The vectors are of several spaces; no token has a vector, one has two, or
            vectors are not finite or of different lengths.
        ConfigError: The word vectors do not fit, or all components would be removed.
    """
    settings = settings or DocumentsSettings()
    documents = gather_documents(sentences, vectors_per=settings.vectors_per)
    chosen = space_id or require_one_space(vectors, "space_id")
    embedded = embed_gathered(
        documents,
        vocabulary,
        of_space(vectors, chosen),
        settings,
        space_id=chosen,
        document_count=documents.count(),
    )
    return embedded.rows


def embed_gathered(
    documents: DataFrame,
    vocabulary: DataFrame,
    vectors: DataFrame,
    settings: DocumentsSettings,
    *,
    space_id: str,
    document_count: int,
    names: InputNames = _NAMES,
) -> EmbeddedDocuments:
    """Return what `embed_documents` does, given the frame of `gather_documents` and its rows."""
    if "document_count" not in vocabulary.columns:
        vocabulary = with_document_counts(vocabulary, documents)
    words = collect_words(
        vectors,
        vocabulary,
        settings,
        space_id=space_id,
        document_count=document_count,
        names=names,
    )
    means = embed(documents, words).persist(StorageLevel.DISK_ONLY)
    counts = count_documents(means)
    common = principal_components(
        means,
        count=settings.component_count,
        dimension=words.matrix.shape[1],
        vector_count=counts.documents - counts.empty,
    )
    rows = without_components(means, common, space_id=space_id)
    return EmbeddedDocuments(rows, counts, means)
