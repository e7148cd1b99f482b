"""Spark's hashes, computed without Spark."""

import numpy as np
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from pipelines.kernels.xxhash64 import SPARK_SEED, hashes_of_numbers, hashes_of_texts

TEXTS = ["x" * n for n in range(70)] + ["naïve", "日本語の文" * 9, "a\0b", "0f" * 16 + ":12"]


@pytest.mark.parametrize("number", [0, -1, 7, (1 << 31) - 1, 1 << 31, -(1 << 40)])
def test_hashes_are_those_of_spark(spark: SparkSession, number: int) -> None:
    frame = spark.createDataFrame([(text,) for text in TEXTS], "text string").coalesce(1)
    theirs = [
        tuple(row)
        for row in frame.select(F.xxhash64("text"), F.xxhash64("text", F.lit(number))).collect()
    ]
    data = [text.encode() for text in TEXTS]
    offsets = np.r_[0, np.cumsum([len(text) for text in data])]
    ours = hashes_of_texts(np.frombuffer(b"".join(data), np.uint8), offsets, np.uint64(SPARK_SEED))
    numbers = np.full(len(TEXTS), number)
    chained = hashes_of_numbers(numbers, ours, -(1 << 31) <= number < 1 << 31)
    found = zip(ours.view(np.int64).tolist(), chained.view(np.int64).tolist(), strict=True)
    assert list(found) == theirs
