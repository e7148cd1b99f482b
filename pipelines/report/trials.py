"""What the report shows of a search for settings: each candidate at its best sweep."""

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from pipelines.report.facts import Row

_MOST_ROWS = 10_000


def find_measure(results: DataFrame) -> str:
    """Return what a search went by: `recall` where its best row is not the first of highest NDCG.

    Args:
        results: `tuning_results`, which do not say it. Where both name the same row it is `ndcg`.
    """
    of_highest_ndcg = results.orderBy(F.desc("ndcg"), "trial", "iteration").first()
    if of_highest_ndcg is None or of_highest_ndcg["is_best"]:
        return "ndcg"
    return "ndcg" if results.where("is_best").isEmpty() else "recall"


def read_trials(results: DataFrame, measure: str) -> list[Row]:
    """Return the row of each candidate that ranks best, among equals the first.

    Args:
        results: `tuning_results`.
        measure: Column that says how well a row ranks.
    """
    best_first = Window.partitionBy("trial").orderBy(F.desc(measure), "iteration")
    placed = results.withColumn("place", F.row_number().over(best_first))
    rows = placed.where("place = 1").drop("place").orderBy("trial").limit(_MOST_ROWS)
    return [row.asDict() for row in rows.collect()]  # one per candidate
