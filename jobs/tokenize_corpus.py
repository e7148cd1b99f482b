"""Split documents into sentences of token ids and build the vocabulary."""

import sys
from collections.abc import Sequence
from pathlib import Path

from pyspark import StorageLevel
from pyspark.sql import SparkSession

from jobs.cli.running import run_job
from pipelines.corpus import tokens
from pipelines.corpus.config import TokenizeCorpusConfig
from pipelines.errors import GateError
from pipelines.results import JobResult
from pipelines.table_store import TableStore
from schemas import DOCUMENTS, SENTENCES, VOCABULARY

CONFIG = TokenizeCorpusConfig


def run(spark: SparkSession, config: TokenizeCorpusConfig) -> JobResult:
    """Tokenize once, count, and write the vocabulary and the sentences that hold a known token."""
    with TableStore(spark, config, job="tokenize_corpus") as store:
        return _tokenize(config, store)


def _tokenize(config: TokenizeCorpusConfig, store: TableStore) -> JobResult:
    split = tokens.split_tokens(store.read("documents", DOCUMENTS), config)
    split = split.persist(StorageLevel.DISK_ONLY)
    vocabulary = tokens.build_vocabulary(tokens.count_tokens(split), config)
    result = JobResult(rows_in={"sentences found": split.count()})
    result.rows_out["vocabulary"] = store.stage(
        tokens.frame_of(store.spark, vocabulary), VOCABULARY
    )
    if result.rows_out["vocabulary"] == 0 and not config.allow_empty:
        raise GateError(
            f"no token occurs {config.min_count} times: {result.rows_in['sentences found']} "
            "sentences were found; lower min_count; nothing was written, the tables stand as "
            "they were; allow_empty: true replaces them by none"
        )
    encoded = tokens.encode_sentences(split, vocabulary).persist(StorageLevel.DISK_ONLY)
    known, unknown = tokens.split_by_content(encoded)
    result.rows_out["sentences"] = store.stage(known, SENTENCES)
    result.rejected["no_known_token"] = unknown.count()
    result.measures |= tokens.measure_tokens(vocabulary)
    result.require_balance("sentences", rejected=("no_known_token",))
    return store.finish(result, split, encoded)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the job from a command line."""
    return run_job(Path(__file__).stem, argv)


if __name__ == "__main__":
    sys.exit(main())
