"""A search for settings in the report: each candidate at its best sweep."""

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from pipelines.report.facts import TableRow

_MOST_ROWS = 10_000  # most candidates shown


def find_measure(results: DataFrame) -> str:
    """Return the measure that a search maximised, as `tuning_results` does not record it.

    Args:
        results: `tuning_results`. The measure is `recall` where the best row is not the first one
            of highest NDCG, else `ndcg`.
    """
    of_highest_ndcg = results.orderBy(F.desc("ndcg"), "trial", "iteration").first()
    if of_highest_ndcg is None or of_highest_ndcg["is_best"]:
        return "ndcg"
    return "ndcg" if results.where("is_best").isEmpty() else "recall"


def read_trials(results: DataFrame, measure: str) -> list[TableRow]:
    """Return the best row of each candidate, the earliest of equal ones.

    Args:
        results: `tuning_results`.
        measure: Column to rank rows by, highest first.
    """
    best_first = Window.partitionBy("trial").orderBy(F.desc(measure), "iteration")
    placed = results.withColumn("place", F.row_number().over(best_first))
    rows = placed.where("place = 1").drop("place").orderBy("trial").limit(_MOST_ROWS)
    return [row.asDict() for row in rows.collect()]  # one per candidate
