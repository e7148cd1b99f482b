"""The registry of embedding spaces: which there are, in what state, and which one is meant."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

from pyspark.sql import Column, DataFrame, Observation, SparkSession
from pyspark.sql import functions as F

from pipelines.errors import InputError
from schemas import EMBEDDING_SPACES


@dataclass(frozen=True)
class Space:
    """One row of `embedding_spaces`."""

    space_id: str
    name: str
    state: str
    dimension: int
    metric: str
    is_normalized: bool
    parents: list[str]
    parameters: str
    input_versions: str
    config_hash: str
    code_version: str
    seed: int
    row_count: int
    checksum: str
    published_to: str | None
    requested_at: datetime
    updated_at: datetime

    def to_frame(self, spark: SparkSession) -> DataFrame:
        """Return the row as a frame that fits the contract."""
        return spark.createDataFrame([asdict(self)], EMBEDDING_SPACES.schema()).coalesce(1)

    def requested_again(self) -> "Space":
        """Return the space as asked for now, so that it is the newest of its name."""
        return self.changed(requested_at=datetime.now(UTC))

    def changed(self, **changes: Any) -> "Space":
        """Return the space with changed fields and a new time of change."""
        return replace(self, updated_at=datetime.now(UTC), **changes)


def new_space(
    *,
    space_id: str,
    name: str,
    metric: str,
    measured: Mapping[str, Any],
    metadata: Mapping[str, Any],
    parameters: Mapping[str, Any],
) -> Space:
    """Return the registry row of a space that has just been trained.

    Args:
        space_id: Hash of all that the space follows from.
        name: Line of spaces that replace each other.
        metric: `cosine` or `dot`.
        measured: `dimension, row_count, checksum` as `measure_content` has them.
        metadata: What the run's commits say of it.
        parameters: Settings of the trainer.
    """
    now = datetime.now(UTC)
    return Space(
        space_id=space_id,
        name=name,
        state="staged",
        metric=metric,
        is_normalized=False,
        parents=[],
        parameters=json.dumps(dict(parameters), sort_keys=True),
        input_versions=json.dumps(metadata["input_versions"], sort_keys=True),
        config_hash=metadata["config_hash"],
        code_version=metadata["vectormill"],
        seed=metadata["seed"],
        published_to=None,
        requested_at=now,
        updated_at=now,
        **measured,
    )


def find_space(spaces: DataFrame, *, name: str, space_id: str | None = None) -> Space:
    """Return the space of this id, else the one of this name that was asked for last.

    Raises:
        InputError: There is none; the message lists those there are.
    """
    wanted = F.col("space_id") == space_id if space_id else F.col("name") == name
    row = spaces.where(wanted).orderBy(F.desc("requested_at"), "space_id").first()
    if row is None:
        known = [f"{r['name']} {r['space_id']}" for r in spaces.limit(20).collect()]
        what = f"space {space_id!r}" if space_id else f"space named {name!r}"
        raise InputError(f"embedding_spaces has no {what}; there are: {', '.join(known) or 'none'}")
    fields = row.asDict()
    for moment in ("requested_at", "updated_at"):
        fields[moment] = fields[moment].astimezone(UTC)
    return Space(**fields)


def of_space(vectors: DataFrame, space_id: str) -> DataFrame:
    """Return the vectors of one space."""
    return vectors.where(F.col("space_id") == space_id)


def require_one_space(vectors: DataFrame, setting: str | None = None) -> str:
    """Return the id of the only space of a table.

    Args:
        vectors: The table.
        setting: What chooses among several spaces, for the message.

    Raises:
        InputError: The table is empty or mixes spaces, whose vectors must never be compared.
    """
    row = vectors.agg(F.min("space_id"), F.max("space_id")).first()
    return only_space(row or (), setting)


def only_space(space_ids: Iterable[str | None], setting: str | None = None) -> str:
    """Return the only one of the ids of spaces that a table of vectors has.

    Raises:
        InputError: There is none, or more than one.
    """
    found = sorted({name for name in space_ids if name is not None})
    if len(found) != 1:
        problem = f"mixes the spaces {' and '.join(found[:2])}" if found else "is empty"
        choice = f", or choose a space by {setting}" if setting and found else ""
        raise InputError(f"the table of vectors {problem}; read one published table{choice}")
    return found[0]


def measure_content(vectors: DataFrame) -> dict[str, Any]:
    """Return `dimension, row_count, checksum` of one space in one pass.

    The checksum is the sum of all rows' hashes modulo 2**64: the same in whatever order rows are.
    """
    row = vectors.agg(*_content()).first()
    return _described(row.asDict() if row else {})


def observed_content(vectors: DataFrame) -> tuple[DataFrame, Callable[[], dict[str, Any]]]:
    """Return the same rows, and what gives their `measure_content` once they have been written.

    It costs no pass of its own, and knows what was meant to be written: whoever reads the rows
    later, as the gate and publication do, finds out whether that is what was stored.
    """
    observed = Observation()
    return vectors.observe(observed, *_content()), lambda: _described(observed.get)


def _content() -> list[Column]:
    hashed = F.xxhash64("space_id", "entity", "key", "vector").cast("decimal(38,0)")
    return [
        F.max(F.size("vector")).alias("dimension"),
        F.count(F.lit(1)).alias("row_count"),
        F.sum(hashed).alias("total"),
    ]


def _described(row: Mapping[str, Any]) -> dict[str, Any]:
    if not row.get("row_count"):
        raise InputError("the space holds no vectors")
    checksum = format(int(row["total"]) % (1 << 64), "016x")
    return {"dimension": row["dimension"], "row_count": row["row_count"], "checksum": checksum}
