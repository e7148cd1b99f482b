"""Dense ids by a total order, assigned across the cluster without a single-task sort."""

from itertools import accumulate

from pyspark import StorageLevel
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

_ROW_BITS = 33  # low bits of monotonically_increasing_id: the row's number in its partition


def with_dense_ids(
    frame: DataFrame, *, order: list[Column], name: str, start: int = 0
) -> DataFrame:
    """Number the rows from `start` in a total order, independently of the partitioning.

    The sorted frame is kept on disk between the two passes (count per partition, then number);
    the driver sees one count per partition.

    Args:
        frame: Any frame; `order` must not leave ties, else ids are not reproducible.
        order: Sort columns.
        name: Name of the new int column.
        start: First id.
    """
    placed = frame.sort(*order).withColumn("_place", F.monotonically_increasing_id())
    placed = placed.persist(StorageLevel.DISK_ONLY)
    partition = F.shiftright("_place", _ROW_BITS).cast("int")
    counted = placed.groupBy(partition.alias("part")).count().collect()
    counted.sort()  # one row per partition
    if not counted:
        return frame.withColumn(name, F.lit(None).cast("int")).limit(0)
    offsets = [start, *accumulate((row["count"] for row in counted), initial=start)][1:]
    lookup = F.create_map(
        *(F.lit(x) for row, at in zip(counted, offsets, strict=False) for x in (row["part"], at))
    )
    within = F.col("_place").bitwiseAND(F.lit((1 << _ROW_BITS) - 1))
    numbered = (F.element_at(lookup, partition) + within).cast("int")
    return placed.select(*frame.columns, numbered.alias(name))
