"""State of a training run on storage: complete rounds, from which a killed run continues."""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession

from pipelines.errors import ConfigError
from pipelines.storage import parquet
from pipelines.storage.hadoop import Files
from pipelines.storage.task_files.arrow import make_folder
from pipelines.training import tasks as tasks_of
from pipelines.training.stored_arrays import FILES, Content

History = list[dict[str, float]]
"""Measures by name of each round, round 1 first."""


@dataclass
class Trained:
    """What a trainer returns.

    Args:
        vectors: One row per entity and key: `entity, key, vector`, and the Euclidean `norm` where
            the trainer has it (in SQL it takes a second per million rows).
        history: Measures as (round, metric, value), rounds from 1.
        measures: Figures for the summary.
        lines: Text for the reader.
    """

    vectors: DataFrame
    history: list[tuple[int, str, float]]
    measures: dict[str, float | int | str] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)


FILE = "file string"
Wrap = Callable[[Callable[[Any], Any]], Callable[[Any], Any]]
"""Turns a task that yields rows of `stored_arrays.SCHEMA` into one that writes them: `FILE`."""

_ROUND = re.compile(r"round=(\d+)\.json")
_OPTIONS = {
    "compression": "none",
    "parquet.block.row.count.limit": "1",
    "mapreduce.fileoutputcommitter.algorithm.version": "2",
    "mapreduce.fileoutputcommitter.marksuccessfuljobs": "false",
}


class RoundState:
    """Frames that a run keeps under `<work>/<job>/<space_id>`: each complete or absent.

    A frame exists once the marker `<name>.json` is beside it: object stores rename a folder file by
    file, so a killed run may leave half of one. Where tasks wrote files the marker names them.
    """

    def __init__(self, spark: SparkSession, folder: str) -> None:
        self.spark = spark
        self._files = Files(spark)
        self.folder = self._files.qualified(folder)  # tasks know no default file system or folder

    def write(self, name: str, frame: DataFrame) -> None:
        """Store a frame.

        Its rows are blocks of vectors or ids: each is a row group, which a task can read alone.
        Compression would take seconds and hardly shrink them. Tasks move their files themselves:
        nothing reads the folder before it is renamed.
        """
        self._files.delete(self._note_of(name))
        parquet.replace(
            self._files,
            frame,
            f"{self.folder}/{name}",
            part={},
            partitioning=(),
            metadata={},
            options=_OPTIONS,
        )
        self.note(name, {})

    def write_by_tasks(
        self,
        name: str,
        count: int,
        tasks: int,
        task: Callable[[list[int]], Iterable[Content]],
        *,
        threads: int = 1,
    ) -> None:
        """Store the rows that tasks yield for the numbers 0 to count - 1; see `tasks.run`."""
        self.drop(name)
        make_folder(f"{self.folder}/{name}")
        writer = tasks_of.writer(f"{self.folder}/{name}", task)
        files = tasks_of.run(self.spark, count, tasks, writer, threads=threads)
        self.note(name, {FILES: files})

    def write_by_frame(self, name: str, make: Callable[[Wrap], DataFrame]) -> None:
        """Store the rows that the last tasks of a frame make; these write their files themselves.

        Through the JVM a block of vectors is copied six times: a few of them fill a heap of 1 GiB.

        Args:
            name: Name of the frame.
            make: Given the wrapper of the last task, returns the frame of `FILE`.
        """
        self.drop(name)
        make_folder(f"{self.folder}/{name}")
        named = make(lambda task: tasks_of.frame_writer(f"{self.folder}/{name}", task))
        self.note(name, {FILES: [row[0] for row in named.collect()]})  # one name per task

    def write_parts(
        self,
        name: str,
        make: Callable[[Callable[[pa.Table], pa.Table]], DataFrame],
        part: Callable[[pa.Table], str],
    ) -> None:
        """Store tables of rows, each in a file below the folder that `part` returns for it.

        Args:
            name: Name of the frame.
            make: Given the function that writes a table, returns the frame of `FILE`.
            part: See `tasks.part_writer`; what `StoredArrays.rows` is asked for.
        """
        self.drop(name)
        make_folder(f"{self.folder}/{name}")
        named = make(tasks_of.part_writer(f"{self.folder}/{name}", part))
        self.note(name, {FILES: [row[0] for row in named.collect()]})  # one name per part

    def note(self, name: str, content: Any) -> None:
        """Store a small JSON value."""
        self._files.replace_text(self._note_of(name), json.dumps(content))

    def _note_of(self, name: str) -> str:
        return f"{self.folder}/{name}.json"

    def noted(self, name: str) -> Any:
        """Return a stored JSON value; None where there is none."""
        place = self._note_of(name)
        return json.loads(self._files.read_text(place)) if self._files.exists(place) else None

    def read(self, name: str, schema: str) -> DataFrame:
        """Return a stored frame, its columns in the schema's order."""
        place = f"{self.folder}/{name}"
        places = [f"{place}/{file}" for file in self.noted(name).get(FILES, [])] or [place]
        stored = self.spark.read.schema(schema).parquet(*places)
        return stored.select([part.split()[0] for part in schema.split(", ")])

    def has(self, name: str) -> bool:
        """Return whether a frame of this name is complete."""
        return self._files.exists(self._note_of(name))

    def last_round(self) -> int:
        """Return the number of the last complete round; 0 where there is none."""
        if not self._files.is_folder(self.folder):
            return 0
        matches = (_ROUND.fullmatch(name) for name in self._files.names(self.folder))
        return max((int(match[1]) for match in matches if match), default=0)

    def drop(self, name: str) -> None:
        """Delete one frame."""
        self._files.delete(self._note_of(name))
        self._files.delete(f"{self.folder}/{name}")

    def clear(self) -> None:
        """Delete the run's folder: its result is stored elsewhere."""
        self._files.delete(self.folder)


def state_of(spark: SparkSession, folder: str, settings: Mapping[str, Any]) -> RoundState:
    """Return the state kept in a folder, which belongs to one set of settings, as JSON values.

    Raises:
        ConfigError: It was begun with other settings.
    """
    state = RoundState(spark, folder)
    begun = state.noted("settings")
    if begun is None:
        state.note("settings", settings)
    elif begun != settings:
        raise ConfigError(f"work: {folder} holds a run of other settings; name another folder")
    return state
