"""Word similarity: the rank correlation of cosines with human scores of pairs."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pipelines.arrays.matrices import Floats, as_matrix, normalised
from pipelines.evaluation.measures import Measure
from pipelines.evaluation.word_files import Similarities

_FEWEST_PAIRS = 2  # fewest pairs of a correlation


@dataclass(frozen=True)
class Lexicon:
    """Unit vectors of the words of evaluation files: `rows[word]` is a row of `matrix`."""

    rows: dict[str, int]
    matrix: Floats


def fetch_lexicon(vectors: DataFrame, words: Iterable[str]) -> Lexicon:
    """Fetch the vectors of some words; words without a vector are left out.

    Args:
        vectors: Word vectors of one space.
        words: Words of evaluation files, few enough for the driver.
    """
    wanted = [(word,) for word in sorted(set(words))]
    keys_of_files = vectors.sparkSession.createDataFrame(wanted, "key string")
    chosen = vectors.join(F.broadcast(keys_of_files), "key", "left_semi")
    fetched = chosen.select("key", "vector").toArrow()
    keys = fetched["key"].to_pylist()
    return Lexicon(
        {key: row for row, key in enumerate(keys)}, normalised(as_matrix(fetched["vector"]))
    )


def measure_similarity(file: Similarities, lexicon: Lexicon) -> Iterator[Measure]:
    """Yield Spearman's rho of cosines with human scores, and the share of pairs with vectors."""
    known = [
        place for place, pair in enumerate(file.pairs) if all(word in lexicon.rows for word in pair)
    ]
    rows = np.array(
        [[lexicon.rows[word] for word in file.pairs[place]] for place in known], dtype=np.int64
    ).reshape(-1, 2)
    cosines = np.einsum(
        "nd,nd->n", lexicon.matrix[rows[:, 0]], lexicon.matrix[rows[:, 1]], dtype=np.float64
    )
    detail = f"{len(known)} of {len(file.pairs)} pairs have vectors"
    rho = spearman(cosines, [file.scores[place] for place in known])
    yield Measure(f"similarity.{file.name}.spearman", rho, detail)
    yield Measure(f"similarity.{file.name}.coverage", len(known) / len(file.pairs), detail)


def spearman(left: ArrayLike, right: ArrayLike) -> float | None:
    """Return Spearman's rank correlation, ties at their mean rank; None if it is undefined."""
    first, second = (_mean_ranks(np.asarray(side, dtype=np.float64)) for side in (left, right))
    if len(first) < _FEWEST_PAIRS or np.ptp(first) == 0 or np.ptp(second) == 0:
        return None
    return float(np.corrcoef(first, second)[0, 1])


def _mean_ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks: NDArray[np.float64] = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    return ranks
