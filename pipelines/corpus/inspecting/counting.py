"""Per rule: how many documents it rejects, rejects first, and rejects alone."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F


@dataclass(frozen=True)
class RuleCounts:
    """Documents that broke a rule.

    Args:
        rejected: All of them.
        first: Those of which it is the first of the reasons.
        alone: Those that break no other; they would be kept without the rule.
    """

    rejected: int
    first: int
    alone: int


def count_rules(rows: DataFrame) -> dict[str, RuleCounts]:
    """Count the reasons of documents in one pass, most frequent first; a row per rule is collected.

    Args:
        rows: Rows with `reasons`; those of kept documents have none.
    """
    listed = rows.select(F.size("reasons").alias("reasons"), F.posexplode("reasons.rule"))
    counted = (
        listed.toDF("reasons", "place", "rule")
        .groupBy("rule")
        .agg(
            F.count(F.lit(1)).alias("rejected"),
            F.count_if(F.col("place") == 0).alias("first"),
            F.count_if(F.col("reasons") == 1).alias("alone"),
        )
    )
    found = sorted(counted.collect(), key=lambda row: (-row["rejected"], row["rule"]))
    return {row["rule"]: RuleCounts(row["rejected"], row["first"], row["alone"]) for row in found}


def count_lines(counts: Mapping[str, RuleCounts]) -> Iterator[str]:
    """Yield a table of the rules: rejected, rejected first, rejected alone."""
    width = max([len("rule"), *map(len, counts)])
    yield f"{'rule':<{width}} {'rejects':>7} {'first':>7} {'alone':>7}"
    for rule, told in counts.items():
        yield f"{rule:<{width}} {told.rejected:>7,} {told.first:>7,} {told.alone:>7,}"
