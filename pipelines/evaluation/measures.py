"""Measures of a space, and their rows of `quality_metrics`."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Measure:
    """One measured number; None where it is not defined, with the reason as its detail."""

    metric: str
    value: float | None
    detail: str | None = None

    def __str__(self) -> str:
        """Return the line that a job's summary shows."""
        value = "unknown" if self.value is None else f"{self.value:,.4g}"
        return f"{self.metric} = {value}" + (f" ({self.detail})" if self.detail else "")


def to_rows(
    measures: Iterable[Measure], *, space_id: str, job: str, entity: str
) -> list[tuple[Any, ...]]:
    """Return measures as rows of `quality_metrics` with status `measured`; NaN becomes null."""
    return [
        (
            space_id,
            job,
            entity,
            m.metric,
            None if m.value is None or math.isnan(m.value) else float(m.value),
            None,
            "measured",
            m.detail,
        )
        for m in measures
    ]
