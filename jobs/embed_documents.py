"""Embed documents, sentences or sessions as weighted means of word vectors."""

import sys
from collections.abc import Sequence
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession

from jobs.cli.running import run_job
from pipelines.document_vectors.config import EmbedDocumentsConfig, EmbedInputs
from pipelines.document_vectors.embedding import gather_documents
from pipelines.document_vectors.frames import embed_gathered
from pipelines.document_vectors.token_vectors import InputNames
from pipelines.results import JobResult
from pipelines.space_rows import of_space, require_one_space
from pipelines.spaces.registry import choose_space
from pipelines.table_store import TableStore
from pipelines.word2vec.vectors import items_as_tokens
from schemas import DOCUMENT_VECTORS, EMBEDDING_SPACES, ITEM_IDS, SENTENCES, VECTORS, VOCABULARY

CONFIG = EmbedDocumentsConfig


def run(spark: SparkSession, config: EmbedDocumentsConfig) -> JobResult:
    """Average the word vectors of each document, remove common components, and write the rows."""
    store = TableStore(spark, config, job="embed_documents")
    documents = gather_documents(store.read("sentences", SENTENCES), vectors_per=config.vectors_per)
    vectors, space_id = _choose_vectors(store, config)
    result = JobResult(rows_in={"documents": documents.count()}, space_id=space_id)
    embedded = embed_gathered(
        documents,
        _vocabulary(store, config),
        vectors,
        config,
        space_id=space_id,
        document_count=result.rows_in["documents"],
        names=_names(config.inputs),
    )
    counts = embedded.counts
    result.rows_out["document_vectors"] = store.write(embedded.rows, DOCUMENT_VECTORS)
    result.rejected = {"no_known_token": counts.empty} if counts.empty else {}
    result.measures = {"tokens": counts.tokens, "unknown_tokens": counts.unknown_tokens}
    result.require_balance("document_vectors")
    return store.finish(result, embedded.means)


def _names(inputs: EmbedInputs) -> InputNames:
    return InputNames(
        f"inputs.vocabulary ({inputs.vocabulary})", f"inputs.vectors ({inputs.vectors})"
    )


def _vocabulary(store: TableStore, config: EmbedDocumentsConfig) -> DataFrame:
    """Return the tokens with their counts: words, or the items of sessions."""
    if config.entity == "word":
        return store.read("vocabulary", VOCABULARY)
    return items_as_tokens(store.read("vocabulary", ITEM_IDS))


def _choose_vectors(store: TableStore, config: EmbedDocumentsConfig) -> tuple[DataFrame, str]:
    """Return the vectors and the id of the space that the settings choose."""
    vectors = store.read("vectors", VECTORS)
    if config.inputs.embedding_spaces is None:
        space_id = config.space_id or require_one_space(vectors, "space_id")
    else:
        spaces = store.read("embedding_spaces", EMBEDDING_SPACES)
        space_id = choose_space(spaces, name=config.space_name, space_id=config.space_id).space_id
    return of_space(vectors, space_id), space_id


def main(argv: Sequence[str] | None = None) -> int:
    """Run the job from a command line."""
    return run_job(Path(__file__).stem, argv)


if __name__ == "__main__":
    sys.exit(main())
