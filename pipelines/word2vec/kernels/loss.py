# mypy: disable-error-code="no-any-return"
"""The loss of negative sampling on fixed held-out pairs, in float64."""

import numpy as np
from numpy.typing import NDArray

from pipelines.kernels.compiling import compiled
from pipelines.word2vec.kernels.arguments import WHOLE_MODEL, Block, Ids, Model, Sentences

_TOKENS = 20_000  # held-out tokens that are measured, at most
_DRAWS = 100_000  # pairs with negatives of their own; further pairs use these again


@compiled(nogil=True, error_model="numpy")
def _softplus(x: float) -> float:
    """Return log(1 + e^x) without overflow."""
    return max(x, 0.0) + np.log1p(np.exp(-abs(x)))


@compiled(nogil=True, error_model="numpy")
def _dot(a: NDArray[np.float64], b: NDArray[np.float32]) -> float:
    total = 0.0
    for k in range(a.size):
        total += np.float64(a[k]) * np.float64(b[k])
    return total


@compiled(nogil=True, error_model="numpy")
def _total_loss(
    sentences: Sentences, draws: Ids, model: Model, window: int, is_cbow: bool, block: Block
) -> tuple[float, int]:
    """Return the loss of all pairs (skip-gram) or tokens (CBOW) of a block, and how many it has."""
    tokens, offsets = sentences.tokens, sentences.offsets
    inputs, outputs, classes = model.inputs, model.outputs, block.classes
    total, count, drawn = 0.0, 0, 0
    hidden = np.zeros(inputs.shape[1], np.float64)
    for s in range(offsets.size - 1):
        for i in range(offsets[s], offsets[s + 1]):
            a0, a1 = max(offsets[s], i - window), min(offsets[s + 1], i + window + 1)
            if a1 - a0 == 1 or tokens[i] % classes != block.inputs:
                continue
            if is_cbow:
                hidden[:] = 0
                for j in range(a0, a1):
                    if j != i:
                        hidden += inputs[tokens[j]].astype(np.float64) / (a1 - a0 - 1)
            for j in range(a0, a1):
                if j == i or tokens[j] % classes != block.outputs:
                    continue
                source = hidden if is_cbow else inputs[tokens[i] // classes].astype(np.float64)
                target = (tokens[i] if is_cbow else tokens[j]) // classes
                total += _softplus(-_dot(source, outputs[target]))
                for n in range(draws.shape[1]):
                    total += _softplus(_dot(source, outputs[draws[drawn % draws.shape[0], n]]))
                drawn += 1
                count += 1
                if is_cbow:
                    break
    return total, count


def held_out_loss(
    sentences: Sentences,
    noise: Ids,
    model: Model,
    *,
    window: int,
    negative: int,
    is_cbow: bool,
    block: Block = WHOLE_MODEL,
) -> tuple[float, int]:
    """Return the sum of the losses of held-out pairs, and their number.

    That of a pair is -log s(u v) - sum over negatives of log s(-u v_n), s(x) = 1 / (1 + e^-x).
    Windows are whole and the negatives the same at every call, so that values compare.

    Args:
        sentences: Held-out sentences; those of the first 20,000 tokens count.
        noise: Table that negatives are drawn from.
        model: Input and output vectors.
        window: Tokens on each side.
        negative: Negatives per pair.
        is_cbow: The mean of a window predicts its token, else the token its window.
        block: Only its pairs count; `model` holds the rows of its classes and `noise` those of its
            output class.
    """
    tokens, offsets = sentences
    measured = Sentences(tokens, offsets[: max(2, int(np.searchsorted(offsets, _TOKENS)))])
    draws = noise[np.random.default_rng(0).integers(0, noise.size, (_DRAWS, negative))]
    loss, count = _total_loss(measured, draws, model, window, is_cbow, block)
    return float(loss), int(count)
