"""Where lists of different lengths begin when they lie end to end."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def offsets_of(counts: NDArray[Any]) -> NDArray[np.int64]:
    """Return where lists of these lengths begin when they lie end to end, and where the last ends.

    The result is int64, `(n + 1,)`: 0, counts[0], counts[0] + counts[1], …
    """
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(counts, dtype=np.int64)])
