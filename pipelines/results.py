"""What a job reports: tables written, rows balanced, reasons of rejection, lines for the reader."""

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from pipelines.errors import GateError, VectormillError


@dataclass
class JobResult:
    """The outcome of one job.

    Args:
        rows_in: Input records by name of the input.
        rows_out: Rows written by table.
        rejected: Rows by reason; a row with several reasons counts under each.
        measures: Other numbers worth a line of the summary.
        lines: Text for the reader, as neighbours of words.
        space_id: The embedding space made or handled, where there is one.
        status: `done`, or `unchanged` where the outputs already held the result.
    """

    rows_in: dict[str, int] = field(default_factory=dict)
    rows_out: dict[str, int] = field(default_factory=dict)
    rejected: dict[str, int] = field(default_factory=dict)
    measures: dict[str, float | int | str] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    space_id: str | None = None
    status: Literal["done", "unchanged"] = "done"

    def as_dict(self) -> dict[str, Any]:
        """Return the outcome as JSON values."""
        return asdict(self)

    def require_balance(self, *tables: str) -> None:
        """Assert that every input record went to exactly one of the named tables.

        Raises:
            VectormillError: The counts differ; they are in the message.
        """
        rows_in, out = sum(self.rows_in.values()), sum(self.rows_out[name] for name in tables)
        if rows_in != out:
            parts = " + ".join(f"{self.rows_out[name]} {name}" for name in tables)
            raise VectormillError(f"rows were lost or made up: {rows_in} in, {parts} out")

    def require_share(self, table: str, *, at_most: float) -> None:
        """Assert that a table of rejected rows holds no more than a share of the input.

        Raises:
            GateError: It holds more: thresholds are wrong, or the input is.
        """
        rows_in, rows = sum(self.rows_in.values()), self.rows_out[table]
        if rows > at_most * rows_in:
            worst = next(iter(self.rejected), "unknown")
            raise GateError(
                f"{rows:,} of {rows_in:,} records were rejected, more than the allowed share "
                f"{at_most:g}; most often for {worst!r}: see {table!r}"
            )
