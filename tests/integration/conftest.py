"""Staged spaces for the jobs that judge, publish and measure them."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pyspark.sql import SparkSession

from pipelines import tables
from pipelines.spaces.content import measure_content
from pipelines.spaces.registry import new_space
from schemas import EMBEDDING_SPACES, VECTORS

METADATA = {"input_versions": {"sentences": "v1"}, "config_hash": "c", "vectormill": "0", "seed": 1}


@pytest.fixture
def stage_words(spark: SparkSession, tmp_path: Path) -> Callable[..., str]:
    """Return a function that stages a space of word vectors under `tmp_path` and gives its id."""

    def stage(space_id: str, *, seed: int = 0, count: int = 30, storage: str = "delta") -> str:
        matrix = np.random.default_rng(seed).standard_normal((count, 4)).astype(np.float32)
        rows = [
            (space_id, "word", f"w{n}", v.tolist(), float(np.linalg.norm(v)))
            for n, v in enumerate(matrix)
        ]
        vectors = spark.createDataFrame(rows, VECTORS.schema()).coalesce(1)
        space = new_space(
            space_id=space_id,
            name="word",
            metric="cosine",
            measured=measure_content(vectors),
            metadata=METADATA,
            parameters={},
        )
        part = {"space_id": space_id}
        for frame, table in ((vectors, VECTORS), (space.to_frame(spark), EMBEDDING_SPACES)):
            tables.write(
                frame, table, str(tmp_path / table.name), format=storage, part=part, metadata={}
            )
        return space_id

    return stage
