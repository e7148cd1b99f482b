"""Functions of frames for the jobs of serving: neighbours, recommendations, exports."""

from collections.abc import Sequence

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pipelines.serving import exports
from pipelines.serving.config import ExportSettings, NeighboursSettings, RecommendSettings
from pipelines.serving.neighbours import fetch_queries, find_nearest
from pipelines.serving.packed_recommendations import COLUMNS
from pipelines.serving.recommending import plan_recommendations
from pipelines.space_rows import require_one_space
from pipelines.storage.hadoop import Files
from pipelines.storage.task_files.columns import Columns
from schemas import RECOMMENDATIONS


def find_neighbours(
    vectors: DataFrame, keys: Sequence[str], settings: NeighboursSettings | None = None
) -> DataFrame:
    """Return the nearest vectors of each key, itself left out; equal scores are ordered by key.

    Args:
        vectors: Rows of `vectors` of one space; `space_id` may be missing.
        keys: Keys to find the neighbours of; those without a vector get no row.
        settings: Settings; the defaults where None.

    Returns:
        Rows of `neighbours`: one per key, best neighbour first.

    Raises:
        InputError: None of the keys has a vector, or the table mixes spaces.
    """
    settings = settings or NeighboursSettings()
    vectors = _of_one_space(vectors)
    queries = fetch_queries(vectors, keys, entity=settings.entity)
    return find_nearest(vectors, queries, k=settings.k, metric=settings.metric)


def recommend_items(
    vectors: DataFrame,
    interactions: DataFrame,
    user_ids: DataFrame,
    item_ids: DataFrame,
    settings: RecommendSettings | None = None,
) -> DataFrame:
    """Return the best unseen items of each user by inner product or cosine, exactly.

    Args:
        vectors: Rows of `vectors`: users and items of one space.
        interactions: Rows of `interactions`; every split counts as seen.
        user_ids: Rows of `user_ids`.
        item_ids: Rows of `item_ids`; retired items are not recommended.
        settings: Settings; the defaults where None. `layout` must not be `packed`, which needs
            the tables' files.

    Returns:
        Rows of `recommendations`: one per user, with up to k items, best first.

    Raises:
        InputError: As raised by `plan_recommendations`.
    """
    frames = {
        "vectors": _with_space(vectors),  # that it is one space is checked below
        "interactions": interactions,
        "user_ids": user_ids,
        "item_ids": item_ids,
    }
    tables = {name: Columns(frame.select(*COLUMNS[name]), ()) for name, frame in frames.items()}
    return plan_recommendations(tables, settings or RecommendSettings()).table.frame(
        RECOMMENDATIONS
    )


def export_vectors(vectors: DataFrame, uri: str, settings: ExportSettings | None = None) -> int:
    """Write the vectors of one entity to a file (`npy`: to a folder), sorted by key.

    Args:
        vectors: Rows of `vectors` of one space.
        uri: The file or folder with its scheme, or an absolute path; an earlier one is replaced.
        settings: Settings; the defaults where None.

    Returns:
        Rows written.

    Raises:
        InputError: The table mixes spaces, or as raised by `measure_export` and `write_export`.
    """
    settings = settings or ExportSettings()
    _, rows = exports.export(
        _of_one_space(vectors),
        Files(vectors.sparkSession).qualified(uri),
        entity=settings.entity,
        export_format=settings.export_format,
        bad_keys=settings.bad_keys,
    )
    return rows


def _with_space(vectors: DataFrame) -> DataFrame:
    """Return vectors with a `space_id`; a frame without one, as a trainer returns, is one space."""
    return vectors if "space_id" in vectors.columns else vectors.withColumn("space_id", F.lit(""))


def _of_one_space(vectors: DataFrame) -> DataFrame:
    """Return vectors with a `space_id`, of which there is only one."""
    if "space_id" in vectors.columns:
        require_one_space(vectors)
    return _with_space(vectors)
