"""Reasons of rejection as Arrow has them: a list for each row."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipelines.arrays.offsets import offsets_of

REASON = pa.struct([(name, pa.string()) for name in ("rule", "value", "threshold")])
"""Type of a reason."""


def no_reasons(rows: int) -> pa.ListArray:
    """Return an empty list for each row."""
    return pa.ListArray.from_arrays(np.zeros(rows + 1, np.int32), pa.array([], REASON))


def appended(
    reasons: Sequence[pa.ListArray], rows: NDArray[np.int64], new: pa.StructArray
) -> pa.ListArray:
    """Return lists of reasons with one more at the end of some of them.

    Args:
        reasons: The lists, in parts one after another.
        rows: Numbers of the rows that have a new reason.
        new: These reasons.
    """
    lengths = np.concatenate([pc.list_value_length(part).to_numpy() for part in reasons])
    values = pa.concat_arrays([*(part.flatten().cast(REASON) for part in reasons), new])
    owners = np.append(np.repeat(np.arange(len(lengths)), lengths), rows)
    order = np.argsort(owners, kind="stable")
    offsets = offsets_of(np.bincount(owners, minlength=len(lengths))).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), values.take(pa.array(order)))
