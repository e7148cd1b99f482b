"""What the report shows of a search for settings: each candidate at its best sweep."""

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from pipelines.report.facts import Row

_MOST_ROWS = 10_000


def read_trials(results: DataFrame) -> list[Row]:
    """Return the row of each candidate that ranks best by the measure the search went by.

    Args:
        results: `tuning_results`, which do not say what that is: it is recall where the row that is
            marked best has not the highest NDCG.
    """
    top = results.agg(F.max("ndcg").alias("ndcg")).first()
    marked = results.where("is_best").first()
    is_ndcg = top is None or marked is None or marked["ndcg"] == top["ndcg"]
    measure = "ndcg" if is_ndcg else "recall"
    best_first = Window.partitionBy("trial").orderBy(F.desc(measure), "iteration")
    placed = results.withColumn("place", F.row_number().over(best_first))
    rows = placed.where("place = 1").drop("place").orderBy("trial").limit(_MOST_ROWS)
    return [row.asDict() for row in rows.collect()]  # one per candidate
