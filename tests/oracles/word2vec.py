"""A model of six tokens, trained by the sentence kernel, and the gradient it should follow."""

import numpy as np

from pipelines.word2vec.kernels import sentence_kernel
from pipelines.word2vec.kernels.arguments import (
    UNCOUNTED,
    LearningRates,
    Model,
    Options,
    Sampling,
    Sentences,
    Touches,
)
from pipelines.word2vec.kernels.hot_rows import ALONE
from pipelines.word2vec.sampling import noise_table

SIZE, DIMENSION, WINDOW, NEGATIVE = 6, 3, 2, 4
SENTENCES = [[0, 1, 2, 3], [4], [3, 5, 1], []]
TOKENS = np.concatenate([np.array(s, np.int32) for s in SENTENCES])
OFFSETS = np.array([0, 4, 5, 8, 8], np.int64)
CORPUS = Sentences(TOKENS, OFFSETS)
COUNTS = np.array([4, 3, 2, 1, 1, 1])
NOISE = noise_table(COUNTS, 0.75)


def model(seed: int = 0, dimension: int = DIMENSION) -> Model:
    rng = np.random.default_rng(seed)
    scale = 0.7 * (DIMENSION / dimension) ** 0.5  # the same scores whatever the dimension
    inputs, outputs = rng.normal(0, scale, (2, SIZE, dimension)).astype(np.float32)
    return Model(inputs, outputs)


def train(
    inputs: np.ndarray,
    outputs: np.ndarray,
    *,
    rate: float,
    seed: int,
    is_cbow: bool,
    touches: Touches = UNCOUNTED,
) -> float:
    keep = np.ones(SIZE, np.float32)
    pairs = sentence_kernel.train_sentences(
        CORPUS,
        Sampling(keep, NOISE),
        Model(inputs, outputs),
        LearningRates(rate, rate),
        Options(is_cbow, WINDOW, NEGATIVE, chunk=3, shared=5),
        seed,
        touches,
        ALONE,
    )
    return float(pairs)


def expected_loss(inputs: np.ndarray, outputs: np.ndarray, *, is_cbow: bool) -> float:
    """Plain numpy: the loss over all sentences, averaged over every reach and every negative."""
    noise = COUNTS**0.75 / (COUNTS**0.75).sum()
    total = 0.0
    for sentence in SENTENCES:
        for i, reach in np.ndindex(len(sentence), WINDOW):
            places = range(max(0, i - reach - 1), min(len(sentence), i + reach + 2))
            context = [sentence[j] for j in places if j != i]
            if not context:
                continue
            source = inputs[context].mean(0) if is_cbow else inputs[sentence[i]]
            targets = [sentence[i]] if is_cbow else context
            for target in targets:
                total += np.log1p(np.exp(-source @ outputs[target])) / WINDOW
                total += NEGATIVE * noise @ np.log1p(np.exp(outputs @ source)) / WINDOW
    return total


def finite_differences(inputs: np.ndarray, outputs: np.ndarray, *, is_cbow: bool) -> np.ndarray:
    both, step = np.stack([inputs, outputs]).astype(np.float64), 1e-5
    gradient = np.zeros_like(both)
    for place in np.ndindex(both.shape):
        sides = []
        for sign in (1, -1):
            moved = both.copy()
            moved[place] += sign * step
            sides.append(expected_loss(*moved, is_cbow=is_cbow))
        gradient[place] = (sides[0] - sides[1]) / (2 * step)
    return gradient
