"""Keeping what one run persisted from answering another run of the same session."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F


def of_run(frame: DataFrame, run_id: str) -> DataFrame:
    """Mark a frame as read by one run.

    Spark takes frames over the same paths as equal, whatever the files hold by now, and answers
    from any persisted one; the optimiser removes the mark.
    """
    return frame.where(F.lit(run_id) != "")
