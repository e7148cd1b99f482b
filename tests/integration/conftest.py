"""Staged spaces for the jobs that judge, publish and measure them."""

import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pyspark.sql import SparkSession

from jobs.cli.command import main
from pipelines import tables
from pipelines.spaces.content import measure_content
from pipelines.spaces.registry import new_space
from schemas import EMBEDDING_SPACES, VECTORS

METADATA = {"input_versions": {"sentences": "v1"}, "config_hash": "c", "vectormill": "0", "seed": 1}


def stage_space(
    spark: SparkSession, folder: Path, space_id: str, seed: int, count: int, storage: str
) -> None:
    """Stage a space of word vectors in a folder."""
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
    spaces = spark.createDataFrame([space.row()], EMBEDDING_SPACES.schema()).coalesce(1)
    for frame, table in ((vectors, VECTORS), (spaces, EMBEDDING_SPACES)):
        uri = str(folder / table.name)
        tables.write(frame, table, uri, format=storage, part=part, metadata={})


@pytest.fixture(scope="session")
def first_space(
    spark: SparkSession, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str, int, int, str], Path]:
    """Return a function that gives a folder with one space, staged once for all tests."""

    @cache
    def staged(*space: Any) -> Path:
        folder = tmp_path_factory.mktemp("staged")
        stage_space(spark, folder, *space)
        return folder

    return staged


@pytest.fixture
def vectormill(
    spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str]]:
    """Return a function that runs the command on the suite's session: code and what it said."""

    def run(*arguments: str, **assignments: Any) -> tuple[int, str]:
        sets = [f"--set={key.replace('__', '.')}={value}" for key, value in assignments.items()]
        code = main([*arguments, *sets, "--log-dir", str(tmp_path / "logs")])
        said = capsys.readouterr()
        return code, said.out + said.err

    return run


@pytest.fixture
def stage_words(
    spark: SparkSession, tmp_path: Path, first_space: Callable[[str, int, int, str], Path]
) -> Callable[..., str]:
    """Return a function that stages a space of word vectors under `tmp_path` and gives its id."""

    def stage(space_id: str, *, seed: int = 0, count: int = 30, storage: str = "delta") -> str:
        if (tmp_path / VECTORS.name).exists():
            stage_space(spark, tmp_path, space_id, seed, count, storage)
        else:
            staged = first_space(space_id, seed, count, storage)
            shutil.copytree(staged, tmp_path, dirs_exist_ok=True)
        return space_id

    return stage
