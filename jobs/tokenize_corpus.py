"""Split documents into sentences of token ids and build the vocabulary."""

import sys
from collections.abc import Sequence
from pathlib import Path

from pyarrow import Table
from pyspark import StorageLevel
from pyspark.sql import SparkSession

from jobs.cli.running import run_job
from pipelines.corpus import tokens
from pipelines.corpus.config import TokenizeCorpusConfig
from pipelines.corpus.stop_words import read_stop_words
from pipelines.corpus.tokenizing.vocabulary import (
    build_vocabulary,
    known_tokens,
    read_earlier,
    require_word_ids,
)
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
    stop_words = _stop_words(config, store)
    earlier = _earlier(config, store)
    counts = tokens.count_tokens(documents, config).persist(StorageLevel.DISK_ONLY)
    survey = tokens.survey_counts(counts)
    vocabulary = build_vocabulary(counts, config, stop_words=stop_words, earlier=earlier)
    known = known_tokens(counts, vocabulary, earlier)
    result = JobResult(rows_in={"sentences found": survey.sentences})
    result.measured = {"tokens": survey.tokens, "out_of_vocabulary_tokens": survey.tokens - known}
    result.measures["out_of_vocabulary_share"] = 1 - known / max(1, survey.tokens)
    _stage(tokens.encode(documents, vocabulary, config), config, store, result)
    return store.finish(result, counts)


def _stop_words(config: TokenizeCorpusConfig, store: TableStore) -> list[str]:
    if config.inputs.stop_words is None:
        return []
    found, store.input_versions["stop_words"] = read_stop_words(
        store.files, config.inputs.stop_words
    )
    return found


def _earlier(config: TokenizeCorpusConfig, store: TableStore) -> Table | None:
    """Return the vocabulary whose tokens keep their ids, if any."""
    if config.inputs.vocabulary is None:
        return None
    earlier = read_earlier(store.read("vocabulary", VOCABULARY))
    require_word_ids(earlier)
    return earlier


def _stage(
    encoded: tokens.EncodedDocuments,
    config: TokenizeCorpusConfig,
    store: TableStore,
    result: JobResult,
) -> None:
    """Stage the tables; require that the vocabulary and the sentences are not empty."""
    vocabulary = tokens.frame_of(store.spark, encoded.vocabulary)
    result.rows_out["vocabulary"] = store.stage(vocabulary, VOCABULARY)
    _require_tokens("vocabulary", config, result)
    if config.phrases is not None:
        phrases = store.spark.createDataFrame(encoded.phrases, PHRASES.schema()).coalesce(1)
        result.rows_out["phrases"] = store.stage(phrases, PHRASES)
    rows, result.rejected["no_known_token"] = store.stage_pieces(encoded.sentences, SENTENCES)
    result.rows_out["sentences"] = rows
    _require_tokens("sentences", config, result)
    result.require_balance("sentences", rejected=("no_known_token",))


def _require_tokens(table: str, config: TokenizeCorpusConfig, result: JobResult) -> None:
    if result.rows_out[table] or config.allow_empty:
        return
    lacking = f"no token occurs {config.min_count} times"
    if config.inputs.vocabulary is not None:
        lacking = f"no token of inputs.vocabulary ({config.inputs.vocabulary}) occurs"
    raise GateError(
        f"{lacking}: {result.rows_in['sentences found']} sentences were found; lower min_count, or "
        "name other inputs; nothing was written, the tables stand as they were; "
        "allow_empty: true replaces them by none"
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run the job from a command line."""
    return run_job(Path(__file__).stem, argv)


if __name__ == "__main__":
    sys.exit(main())
