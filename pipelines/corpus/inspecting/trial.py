"""Trying rules: the records of a seeded share of the input are judged, and nothing is written."""

import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from pipelines.arrays.hashing import draws
from pipelines.corpus.cleaning import document_fields, judge_of
from pipelines.corpus.config import CleanCorpusConfig
from pipelines.corpus.inspecting.counting import count_lines, count_rules
from pipelines.corpus.inspecting.showing import lines_of, random_documents
from pipelines.corpus.judging import Judge
from pipelines.results import JobResult
from pipelines.sources.names import BROKEN_FILE
from pipelines.sources.records import read_records
from pipelines.sources.request import Request

_SHOWN = 5
_CHARACTERS = 600


@dataclass(frozen=True)
class Sampled:
    """Judges a share of the records; it is sent to tasks.

    A record is taken by a hash of its source, its position and the seed: the same ones whatever the
    splits, and those of a small share are among those of a larger one.

    Args:
        judge: What judges records.
        share: Share of the records.
        seed: Of the choice.
    """

    judge: Judge
    share: float
    seed: int

    @property
    def spark_schema(self) -> StructType:
        """Schema of judged documents."""
        return self.judge.spark_schema

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Judge the records that are taken."""
        for batch in batches:
            yield from self.judge([batch.filter(pa.array(self._is_taken(batch)))])

    def _is_taken(self, batch: pa.RecordBatch) -> NDArray[np.bool_]:
        sources = pc.dictionary_encode(batch["source"])
        named = [zlib.crc32(name.encode()) for name in sources.dictionary.to_pylist()]
        keys = np.array(named, np.uint64)[sources.indices.to_numpy()] << np.uint64(32)
        keys ^= batch["position"].to_numpy().astype(np.uint64)
        numbers = draws(keys, 1, seed=self.seed)[:, 0] >> np.uint64(11)
        return np.asarray(numbers < self.share * 2.0**53)


def try_rules(spark: SparkSession, config: CleanCorpusConfig, share: float) -> JobResult:
    """Judge a share of the raw text, and tell what each rule rejects of it; no table is touched.

    Repeated ids and texts are not looked for: in a share there are fewer of them than in the whole.

    Args:
        spark: The session.
        config: Settings of `clean_corpus`; its outputs are neither read nor written.
        share: Share of the records, above 0 and at most 1.

    Returns:
        Records judged and rejected, per rule how many it rejects, first and alone, and some
        rejected documents.
    """
    judged = _judged(spark, config, share).persist()
    counts = count_rules(judged)
    rejected = judged.where(F.size("reasons") > 0)
    records, lost = judged.count(), rejected.count()
    shown = random_documents(rejected, _SHOWN, seed=config.seed)
    lines = [line for each in shown for line in lines_of(each, max_characters=_CHARACTERS)]
    judged.unpersist()
    return JobResult(
        rows_in={"corpus": records},
        rejected={rule: told.rejected for rule, told in counts.items()},
        measures={"sample": share, "kept_share": 1 - lost / records if records else 0.0},
        lines=[
            *("a trial on a share of the records: nothing was written", "", *count_lines(counts)),
            *("", f"{len(shown)} of {lost:,} rejected documents, at random", "", *lines),
        ],
    )


def _judged(spark: SparkSession, config: CleanCorpusConfig, share: float) -> DataFrame:
    """Return the judged records of a share of the input."""
    fields = document_fields(config)
    judge = judge_of(config, Request(tuple(fields), config).schema.names)
    sampled = Sampled(judge, share, config.seed)
    read = read_records(spark, config.inputs.corpus, fields, config, sampled)
    return read.frame.where(F.coalesce("problem", F.lit("")) != BROKEN_FILE)
