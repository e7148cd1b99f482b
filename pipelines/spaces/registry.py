"""The registry `embedding_spaces`: reading, choosing and writing its rows."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pyspark.sql import Column, DataFrame, Row
from pyspark.sql import functions as F

from pipelines.errors import InputError
from pipelines.space_rows import of_space, require_one_space
from schemas import EMBEDDING_SPACES, VECTORS

if TYPE_CHECKING:  # tasks import this module without a TableStore
    from pipelines.table_store import TableStore


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

    def row(self) -> list[Any]:
        """Return the row in the order of the contract's columns."""
        return [getattr(self, name) for name in EMBEDDING_SPACES.column_names]

    def requested_again(self) -> "Space":
        """Return the space with the present time as `requested_at`: the newest of its name."""
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
        space_id: Hash of all that the space depends on.
        name: Name of the spaces that replace each other.
        metric: `cosine` or `dot`.
        measured: `dimension, row_count, checksum` of `content.measure_content`.
        metadata: What the run's commits record: `TableStore.metadata`.
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


def space_by_id(spaces: DataFrame, space_id: str) -> Space:
    """Return the space of an id.

    Raises:
        InputError: There is none; the message lists up to 20 spaces of the registry.
    """
    return _first(spaces, F.col("space_id") == space_id, f"space {space_id!r}")


def newest_space(spaces: DataFrame, name: str) -> Space:
    """Return the space of a name that was requested last.

    Raises:
        InputError: There is none; the message lists up to 20 spaces of the registry.
    """
    return _first(spaces, F.col("name") == name, f"space named {name!r}")


def choose_space(spaces: DataFrame, *, name: str, space_id: str | None) -> Space:
    """Return the space with the id if one is given, else the newest of the name.

    Raises:
        InputError: There is no such space.
    """
    return space_by_id(spaces, space_id) if space_id else newest_space(spaces, name)


def _first(spaces: DataFrame, wanted: Column, what: str) -> Space:
    row = spaces.where(wanted).orderBy(F.desc("requested_at"), "space_id").first()
    if row is None:
        known = [f"{r['name']} {r['space_id']}" for r in spaces.limit(20).collect()]
        raise InputError(f"embedding_spaces has no {what}; there are: {', '.join(known) or 'none'}")
    return space_of(row)


def space_of(row: Row) -> Space:
    """Return a row of the registry as a space."""
    fields = row.asDict()
    for moment in ("requested_at", "updated_at"):
        fields[moment] = fields[moment].astimezone(UTC)
    return Space(**fields)


def write_space(store: "TableStore", space: Space) -> None:
    """Write a space's row in place of its earlier one."""
    store.write_rows([space.row()], EMBEDDING_SPACES, part={"space_id": space.space_id})


def read_initial_vectors(store: "TableStore", space_id: str | None) -> DataFrame:
    """Return the vectors of one space of the input `initial_vectors`.

    The run's identity depends on the space's id alone: the input may be the table that the run
    writes, whose version changes with each run.

    Args:
        store: The run's tables.
        space_id: Setting `initial_space_id`; None where the table has one space.

    Raises:
        InputError: No id is given and the table has no or several spaces.
    """
    vectors = store.read("initial_vectors", VECTORS)
    chosen = space_id or require_one_space(vectors, "initial_space_id")
    store.use_space("initial_vectors", chosen)
    return of_space(vectors, chosen)
