"""Columns read from files are those Spark reads; where files are not the rows, Spark reads them."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import functions as F

from pipelines import tables
from pipelines.serving.config import RecommendInputs, RecommendItemsConfig, RecommendOutputs
from pipelines.storage.task_files.columns import Columns
from pipelines.table_store import TableStore
from schemas import USER_IDS

COUNT = 250


@pytest.fixture
def opened(spark, tmp_path):
    """Return a function that stores ids as asked, in a folder that needs care, and reads them."""

    def opened(stored_as, **options):
        uri = str(tmp_path / "a b%20#c" / "user_ids")
        rows = [(n, f"u{n}", n, False) for n in range(COUNT)]
        frame = spark.createDataFrame(rows, USER_IDS.schema()).repartition(3)
        if stored_as == "delta":
            writer = frame.write.format("delta")
            for name, value in options.items():
                writer = writer.option(f"delta.{name}", value)
            writer.save(uri)
        else:
            tables.write(frame, USER_IDS, uri, format="parquet", part={}, metadata={})
        inputs = dict.fromkeys(("vectors", "interactions", "item_ids"), uri)
        config = RecommendItemsConfig(
            inputs=RecommendInputs(user_ids=uri, **inputs),
            outputs=RecommendOutputs(recommendations=str(tmp_path / "out")),
        )
        return TableStore(spark, config, job="recommend_items"), uri

    return opened


def found(store):
    frame = store.read("user_ids", USER_IDS)
    columns = store.columns("user_ids", frame, ["count", "id"])

    def added(batches):
        import pyarrow as pa

        for batch in batches:
            assert batch.schema.names == ["count", "id"]
            yield pa.RecordBatch.from_arrays([batch.column("id")], ["id"])

    rows = columns.map_in_arrow(added, "id int").collect()
    return columns, sorted(row["id"] for row in rows)


@pytest.mark.parametrize("stored_as", ["parquet", "delta"])
def test_tasks_read_each_row_once_from_the_files(opened, stored_as):
    columns, ids = found(opened(stored_as)[0])
    assert len(columns.files) == 3
    assert ids == list(range(COUNT))


def test_rows_deleted_beside_their_files_are_not_read(spark, opened):
    store, uri = opened("delta", enableDeletionVectors="true")
    spark.sql(f"DELETE FROM delta.`{uri}` WHERE id < 10")
    columns, ids = found(store)
    assert columns.files == ()
    assert ids == list(range(10, COUNT))


def test_a_version_that_was_replaced_is_not_read(spark, opened):
    store, uri = opened("delta")
    spark.read.format("delta").load(uri).where(F.col("id") < 20).write.format("delta").mode(
        "overwrite"
    ).save(uri)
    assert found(store)[1] == list(range(20))


def test_row_groups_of_one_file_are_shared_by_tasks(spark, tmp_path):
    file = str(tmp_path / "ids.parquet")
    pq.write_table(
        pa.table({"key": ["a"] * 95, "id": pa.array(range(95), pa.int32())}),
        file,
        row_group_size=10,
    )
    columns = Columns(spark.read.parquet(file).select("id"), (file,))
    frame = columns.map_in_arrow(lambda batches: batches, "id int")
    assert sorted(row["id"] for row in frame.collect()) == list(range(95))
    assert frame.rdd.getNumPartitions() == 2 * spark.sparkContext.defaultParallelism
