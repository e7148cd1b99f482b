"""Result of a job: rows in and out, reasons of rejection, measures, lines of the summary."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from pipelines.errors import GateError, VectormillError
from schemas.corpus import REASONS

_SAMPLES = 3  # rejected rows that a message shows
_LONGEST_VALUE = 60  # characters of a value that a message shows
_STAND = "nothing was written, the tables stand as they were"


@dataclass
class JobResult:
    """The outcome of one job.

    Args:
        rows_in: Input records by name of the input.
        rows_out: Rows written by table.
        rejected: Rows by reason; a row with several reasons counts under each.
        measured: Other whole numbers of the run, by name, that `run_counts` has too.
        measures: Other numbers that the summary shows.
        lines: Lines of text that the summary shows, such as neighbours of words.
        space_id: The embedding space that the job trained or used, where there is one.
        status: `done`, or `unchanged` where the outputs already held the result.
    """

    rows_in: dict[str, int] = field(default_factory=dict)
    rows_out: dict[str, int] = field(default_factory=dict)
    rejected: dict[str, int] = field(default_factory=dict)
    measured: dict[str, int] = field(default_factory=dict)
    measures: dict[str, float | int | str] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    space_id: str | None = None
    status: Literal["done", "unchanged"] = "done"

    def as_dict(self) -> dict[str, Any]:
        """Return the outcome as JSON values."""
        return asdict(self)

    def counts(self) -> list[tuple[str, str, int]]:
        """Return name, kind (`in`, `out`, `rejected`, `measured`) and value of each count."""
        sides = {"in": self.rows_in, "out": self.rows_out, "rejected": self.rejected}
        sides["measured"] = self.measured
        return [
            (name, kind, value) for kind, counts in sides.items() for name, value in counts.items()
        ]

    def require_balance(self, *tables: str, rejected: tuple[str, ...] = ()) -> None:
        """Assert that every input record went to one of the tables or was rejected for a reason.

        Args:
            tables: Names in `rows_out` that together hold each record once.
            rejected: Reasons in `rejected` whose rows no table holds.

        Raises:
            VectormillError: The counts differ; they are in the message.
        """
        parts = {name: self.rows_out[name] for name in tables}
        parts |= {reason: self.rejected.get(reason, 0) for reason in rejected}
        rows_in = sum(self.rows_in.values())
        if rows_in != sum(parts.values()):
            counts = " + ".join(f"{rows} {name}" for name, rows in parts.items())
            raise VectormillError(f"rows were lost or made up: {rows_in} in, {counts} out")

    def require_share(self, table: str, *, at_most: float, rows: DataFrame | None = None) -> None:
        """Assert that a table of rejected rows holds no more than a share of the input.

        Args:
            table: Name in `rows_out`.
            at_most: The largest share.
            rows: The rejected rows, of which the message shows some, as none are stored.

        Raises:
            GateError: It holds more.
        """
        rows_in, rejected = sum(self.rows_in.values()), self.rows_out[table]
        if rejected > at_most * rows_in:
            raise GateError(
                f"{rejected:,} of {rows_in:,} records were rejected, more than the allowed share "
                f"{at_most:g}; {self._why(rows)}; {_STAND}"
            )

    def require_rows(
        self, table: str, *, allow_empty: bool, rejected: DataFrame | None = None, hint: str = ""
    ) -> None:
        """Assert that a table is not empty, as it is to replace one that may be full.

        Args:
            table: Name in `rows_out`.
            allow_empty: Setting of the job by which it may be empty.
            rejected: Rejected rows, of which the message shows some.
            hint: Settings that may be the cause.

        Raises:
            GateError: It is empty.
        """
        if self.rows_out[table] or allow_empty:
            return
        rows_in = sum(self.rows_in.values())
        broken = self.rows_out.get("rejected_files", 0)
        files = f", and {broken:,} of its files cannot be read to their end" if broken else ""
        why = f"the input has no records{files}: nothing to write to {table!r}"
        if rows_in:
            why = f"all {rows_in:,} records were rejected, {self._why(rejected)}"
        hint = f"; see {hint}" if hint else ""
        raise GateError(f"{why}{hint}; {_STAND}; allow_empty: true replaces them by none")

    def _why(self, rows: DataFrame | None) -> str:
        """Return the reasons by frequency, and of some rejected rows the first reason."""
        worst = next(iter(self.rejected), "unknown")
        counts = ", ".join(f"{rule} {count:,}" for rule, count in self.rejected.items())
        shown = [f"most often for {worst!r} (rows by reason: {counts or 'none'})"]
        found = [] if rows is None else rows.select(F.col("reasons")[0]).take(_SAMPLES)
        for [first] in found:
            value = str(first["value"])[:_LONGEST_VALUE]
            about = f" found {value!r}, allowed {first['threshold']}"
            shown.append(first["rule"] + (about if first["value"] is not None else ""))
        return "; for example ".join([shown[0], " | ".join(shown[1:])] if found else shown)


def reason(rule: Column | str, value: Column, threshold: Column, is_broken: Column) -> Column:
    """Return one element of `reasons` where a rule is broken, else null.

    Args:
        rule: Name of the rule; a column where it differs by row.
        value: What was measured.
        threshold: What is allowed.
        is_broken: Condition; null counts as false.
    """
    return F.when(
        is_broken,
        F.struct(
            F.lit(rule).alias("rule"),
            value.cast("string").alias("value"),
            threshold.cast("string").alias("threshold"),
        ),
    )


def first_reasons(spark: SparkSession, found: Iterable[Mapping[str, str | None]]) -> DataFrame:
    """Return rows of `reasons`, of one reason each, for messages that show rejected rows.

    Args:
        spark: The session.
        found: First reasons of rejected rows, of which some are taken.
    """
    rows = [([(each["rule"], each["value"], each["threshold"])],) for each in found]
    return spark.createDataFrame(rows[:_SAMPLES], StructType().add("reasons", REASONS))


def with_reasons(frame: DataFrame, *reasons: Column) -> DataFrame:
    """Set the column `reasons` to those that are not null, after those the frame already has."""
    listed = F.array(*reasons)
    if "reasons" in frame.columns:
        listed = F.concat("reasons", listed)
    return frame.withColumn("reasons", F.array_compact(listed).cast(REASONS))


@dataclass(frozen=True)
class Judgement:
    """What one pass over judged rows tells.

    Args:
        reasons: Rejected rows by rule, most frequent first; a row counts under each of its rules.
        rejected: Rejected rows.
        found: Values of the other aggregations, of each set of rules: that of sound rows is empty.
    """

    reasons: dict[str, int]
    rejected: int
    found: dict[tuple[str, ...], dict[str, Any]]

    def total(self, name: str) -> int:
        """Return the sum of another aggregation over all rows."""
        return sum(row[name] for row in self.found.values())


def survey(judged: DataFrame, *others: Column) -> Judgement:
    """Count judged rows by their rules in one pass, and aggregate what else is asked for."""
    counted = judged.groupBy(F.col("reasons.rule").alias("rules")).agg(
        F.count(F.lit(1)).alias("count"), *others
    )
    reasons: dict[str, int] = {}
    found = {tuple(row["rules"]): row.asDict() for row in counted.collect()}  # a row per set
    for rules, row in found.items():
        for rule in rules:
            reasons[rule] = reasons.get(rule, 0) + row["count"]
    in_order = sorted(reasons.items(), key=lambda item: (-item[1], item[0]))
    rejected = sum(row["count"] for rules, row in found.items() if rules)
    return Judgement(dict(in_order), rejected, found)
