"""Split documents into sentences of token ids and build the vocabulary."""

import sys
from collections.abc import Sequence
from pathlib import Path

from pyarrow import Table
from pyspark.sql import SparkSession

from jobs.cli.running import run_job
from pipelines.corpus import tokens
from pipelines.corpus.stop_words import read_stop_words
from pipelines.corpus.subwords.tokenizer import FILE, SubwordTokenizer, package, read_tokenizer
from pipelines.corpus.tokenizing.config import TokenizeCorpusConfig
from pipelines.corpus.tokenizing.vocabulary import read_earlier
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
    found = tokens.tokenize_documents(
        documents,
        config,
        stop_words=_stop_words(config, store),
        earlier=_earlier(config, store),
        tokenizer=_tokenizer(config, store),
    )
    survey = found.survey
    result = JobResult(rows_in={"sentences found": survey.sentences})
    unknown = survey.tokens - survey.known
    result.measured = {"tokens": survey.tokens, "out_of_vocabulary_tokens": unknown}
    result.measures["tokens of the vocabulary"] = survey.known
    result.measures["out_of_vocabulary_share"] = unknown / max(1, survey.tokens)
    _stage(found, config, store, result)
    if found.tokenizer is not None:
        store.files.replace_text(f"{config.outputs.tokenizer}/{FILE}", found.tokenizer.text)
        result.lines.append(f"tokenizer: {config.outputs.tokenizer}/{FILE}")
    return store.finish(result, *found.persisted)


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
    return read_earlier(store.read("vocabulary", VOCABULARY))


def _tokenizer(config: TokenizeCorpusConfig, store: TableStore) -> SubwordTokenizer | None:
    """Return the tokenizer of a file, if any."""
    if config.is_of_subwords:
        package()
    if config.inputs.tokenizer_file is None:
        return None
    found = read_tokenizer(store.files, config.inputs.tokenizer_file, name=config.tokenizer)
    store.input_versions["tokenizer_file"] = found.version
    return found


def _stage(
    found: tokens.TokenizedDocuments,
    config: TokenizeCorpusConfig,
    store: TableStore,
    result: JobResult,
) -> None:
    """Stage the tables; require that the vocabulary and the sentences are not empty."""
    vocabulary = tokens.frame_of(store.spark, found.vocabulary)
    result.rows_out["vocabulary"] = store.stage(vocabulary, VOCABULARY)
    _require_tokens("vocabulary", config, result)
    if config.phrases is not None:
        phrases = store.spark.createDataFrame(found.phrases, PHRASES.schema()).coalesce(1)
        result.rows_out["phrases"] = store.stage(phrases, PHRASES)
    rows, result.rejected["no_known_token"] = store.stage_pieces(found.sentences, SENTENCES)
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
