"""Data of the report: arrays, texts and numbers of bounded size."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

Floats64 = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class JobCounts:
    """Rows of one job's newest run, by table or reason."""

    job: str
    rows_in: dict[str, int] = field(default_factory=dict)
    rows_out: dict[str, int] = field(default_factory=dict)
    rejected: dict[str, int] = field(default_factory=dict)
    measured: dict[str, int] = field(default_factory=dict)

    @property
    def is_balanced(self) -> bool:
        """Whether the written tables hold each input row once, so that shares add up to one."""
        rows_in = sum(self.rows_in.values())
        return rows_in > 0 and rows_in == sum(self.rows_out.values())


@dataclass(frozen=True)
class Frequencies:
    """Counts at sampled ranks of a vocabulary (1 is the most frequent), and its totals."""

    ranks: Integers
    counts: Integers
    tokens: int
    occurrences: int


@dataclass(frozen=True)
class Curve:
    """One measure of one space by round of training."""

    space_id: str
    metric: str
    rounds: list[int]
    values: list[float]


@dataclass(frozen=True)
class Histogram:
    """Norms of one entity of one space in equal buckets from `low` to `high`."""

    space_id: str
    entity: str
    low: float
    high: float
    counts: Integers
    not_finite: int

    @property
    def rows(self) -> int:
        """Vectors counted."""
        return int(self.counts.sum()) + self.not_finite


@dataclass(frozen=True)
class WordMap:
    """The most frequent words of one space, most frequent first, with vectors `(words, d)`."""

    space_id: str
    words: list[str]
    vectors: Floats64


@dataclass(frozen=True)
class Listing:
    """One key and the keys that a table lists for it, with scores, best first."""

    space_id: str
    entity: str
    key: str
    entries: list[tuple[str, float]]


TableRow = dict[str, Any]
"""A row of a table by column."""


@dataclass(frozen=True)
class Facts:
    """All that the page shows; None where no table was given."""

    counts: list[JobCounts] | None = None
    rejections: list[TableRow] | None = None
    frequencies: Frequencies | None = None
    curves: list[Curve] | None = None
    histograms: list[Histogram] | None = None
    word_map: WordMap | None = None
    neighbours: list[Listing] | None = None
    recommendations: list[Listing] | None = None
    metrics: list[TableRow] | None = None
    spaces: list[TableRow] | None = None
    trials: list[TableRow] | None = None
    trial_measure: str = "ndcg"
    other_spaces: dict[str, int] = field(default_factory=dict)
