"""Split documents into sentences of token ids and build the vocabulary."""

import sys
from collections.abc import Sequence
from pathlib import Path

from pyspark import StorageLevel
from pyspark.sql import SparkSession

from jobs.cli.running import run_job
from pipelines.corpus import tokens
from pipelines.corpus.config import TokenizeCorpusConfig
from pipelines.corpus.stop_words import read_stop_words
from pipelines.errors import GateError
from pipelines.results import JobResult
from pipelines.table_store import TableStore
from schemas import DOCUMENTS, PHRASES, SENTENCES, VOCABULARY

CONFIG = TokenizeCorpusConfig
COLUMNS = ["doc_id", "text"]


def run(spark: SparkSession, config: TokenizeCorpusConfig) -> JobResult:
    """Count tokens, then write the vocabulary and the sentences that hold a known token."""
    with TableStore(spark, config, job="tokenize_corpus") as store:
        return _tokenize(config, store)


def _tokenize(config: TokenizeCorpusConfig, store: TableStore) -> JobResult:
    documents = store.columns("documents", store.read("documents", DOCUMENTS), COLUMNS)
    stop_words: list[str] = []
    if config.inputs.stop_words is not None:
        found = read_stop_words(store.files, config.inputs.stop_words)
        stop_words, store.input_versions["stop_words"] = found
    counts = tokens.count_tokens(documents, config).persist(StorageLevel.DISK_ONLY)
    vocabulary = tokens.build_vocabulary(counts, config, stop_words=stop_words)
    result = JobResult(rows_in={"sentences found": tokens.count_sentences(counts)})
    encoded = tokens.encode(documents, vocabulary, config)
    result.rows_out["vocabulary"] = store.stage(
        tokens.frame_of(store.spark, encoded.vocabulary), VOCABULARY
    )
    if result.rows_out["vocabulary"] == 0 and not config.allow_empty:
        raise GateError(
            f"no token occurs {config.min_count} times: {result.rows_in['sentences found']} "
            "sentences were found; lower min_count; nothing was written, the tables stand as "
            "they were; allow_empty: true replaces them by none"
        )
    if config.phrases is not None:
        phrases = store.spark.createDataFrame(encoded.phrases, PHRASES.schema()).coalesce(1)
        result.rows_out["phrases"] = store.stage(phrases, PHRASES)
    rows, result.rejected["no_known_token"] = store.stage_pieces(encoded.sentences, SENTENCES)
    result.rows_out["sentences"] = rows
    result.measures |= tokens.measure_tokens(encoded.vocabulary)
    result.require_balance("sentences", rejected=("no_known_token",))
    return store.finish(result, counts)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the job from a command line."""
    return run_job(Path(__file__).stem, argv)


if __name__ == "__main__":
    sys.exit(main())
