"""Projection of word vectors onto a plane, similar vectors near each other."""

import numpy as np
from sklearn.manifold import TSNE

from pipelines.report.facts import Floats64

FEWEST = 8  # fewest words of a map
_PERPLEXITY = 30.0  # of t-SNE: effective number of neighbours


def project(vectors: Floats64, *, seed: int) -> Floats64:
    """Place vectors on a plane by t-SNE over cosine distances (van der Maaten and Hinton, 2008).

    Args:
        vectors: Array `(words, d)` of at least `FEWEST` rows; a zero vector is far from all.
        seed: Seed of the initial places.

    Returns:
        Array `(words, 2)`, each axis scaled to run from 0 to 1.
    """
    perplexity = min(_PERPLEXITY, (len(vectors) - 1) / 3)
    placing = TSNE(metric="cosine", init="random", perplexity=perplexity, random_state=seed)
    places = placing.fit_transform(vectors)
    low, high = places.min(axis=0), places.max(axis=0)
    return np.asarray((places - low) / np.maximum(high - low, 1e-12), dtype=np.float64)
