"""Dense ids follow the order alone, not the partitioning."""

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from pipelines.ids import with_dense_ids

COUNTS = [("b", 3), ("a", 3), ("d", 9), ("c", 1), *((f"x{n:02}", 2) for n in range(30))]


@pytest.mark.parametrize("partitions", [1, 3, 8])
def test_ids_follow_the_order_whatever_the_partitioning(
    spark: SparkSession, partitions: int
) -> None:
    frame = spark.createDataFrame(COUNTS, "token string, count int").repartition(partitions)
    order = [F.desc("count"), F.col("token")]
    numbered = with_dense_ids(frame, order=order, name="id", start=5)
    assert numbered.columns == ["token", "count", "id"]
    assert dict(numbered.dtypes)["id"] == "int"
    found = {row["token"]: row["id"] for row in numbered.collect()}
    expected = sorted(COUNTS, key=lambda row: (-row[1], row[0]))
    assert found == {token: place for place, (token, _) in enumerate(expected, 5)}


def test_nothing_has_no_ids(spark: SparkSession) -> None:
    frame = spark.createDataFrame([], "token string")
    numbered = with_dense_ids(frame, order=[F.col("token")], name="id")
    assert numbered.collect() == []
    assert dict(numbered.dtypes) == {"token": "string", "id": "int"}
