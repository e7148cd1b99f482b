"""Embed documents, sentences or sessions as weighted means of word vectors."""

import sys
from collections.abc import Sequence
from pathlib import Path

from pyspark import StorageLevel
from pyspark.sql import DataFrame, SparkSession

from jobs.cli.running import run_job
from pipelines.documents import components, embedding
from pipelines.documents.config import EmbedDocumentsConfig
from pipelines.results import JobResult
from pipelines.spaces.registry import find_space, of_space, require_one_space
from pipelines.table_store import TableStore
from pipelines.word2vec.vectors import items_as_tokens
from schemas import DOCUMENT_VECTORS, EMBEDDING_SPACES, ITEM_IDS, SENTENCES, VECTORS, VOCABULARY

CONFIG = EmbedDocumentsConfig


def run(spark: SparkSession, config: EmbedDocumentsConfig) -> JobResult:
    """Average the word vectors of each document, take out what all share, and write a row each."""
    store = TableStore(spark, config, job="embed_documents")
    gathered = embedding.gather_documents(
        store.read("sentences", SENTENCES), vectors_per=config.vectors_per
    )
    vectors, space_id = _choose_vectors(store, config)
    result = JobResult(rows_in={"documents": gathered.count()}, space_id=space_id)
    words = embedding.collect_words(
        vectors,
        _vocabulary(store, config, gathered),
        config,
        space_id=space_id,
        document_count=result.rows_in["documents"],
    )
    embedded = embedding.embed(gathered, words).persist(StorageLevel.DISK_ONLY)
    counts = embedding.count_documents(embedded)
    common = components.principal_components(
        embedded,
        count=config.component_count,
        dimension=words.matrix.shape[1],
        vector_count=counts.documents - counts.empty,
    )
    rows = components.without_components(embedded, common, space_id=space_id)
    result.rows_out["document_vectors"] = store.write(rows, DOCUMENT_VECTORS)
    result.rejected = {"no_known_token": counts.empty} if counts.empty else {}
    result.measures = {"tokens": counts.tokens, "unknown_tokens": counts.unknown_tokens}
    result.require_balance("document_vectors")
    return store.finish(result, embedded)


def _vocabulary(store: TableStore, config: EmbedDocumentsConfig, gathered: DataFrame) -> DataFrame:
    """Return words, or the items that sessions consist of, with their counts."""
    if config.entity == "word":
        return store.read("vocabulary", VOCABULARY)
    items = items_as_tokens(store.read("vocabulary", ITEM_IDS))
    return embedding.with_document_counts(items, gathered)


def _choose_vectors(store: TableStore, config: EmbedDocumentsConfig) -> tuple[DataFrame, str]:
    """Return the vectors of the space that is meant, and its id."""
    vectors = store.read("vectors", VECTORS)
    if config.inputs.embedding_spaces is None:
        space_id = config.space_id or require_one_space(vectors, "space_id")
    else:
        spaces = store.read("embedding_spaces", EMBEDDING_SPACES)
        space_id = find_space(spaces, name=config.space_name, space_id=config.space_id).space_id
    return of_space(vectors, space_id), space_id


def main(argv: Sequence[str] | None = None) -> int:
    """Run the job from a command line."""
    return run_job(Path(__file__).stem, argv)


if __name__ == "__main__":
    sys.exit(main())
