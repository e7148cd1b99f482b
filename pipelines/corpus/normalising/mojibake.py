"""Mojibake repaired: text that was decoded by another encoding than it was written in."""

import ftfy
import numpy as np
from ftfy.fixes import fix_surrogates
from numpy.typing import NDArray

from pipelines.corpus.normalising.characters import characters
from pipelines.corpus.normalising.choices import Form
from pipelines.corpus.normalising.scanning import find_suspect_lines

_SEGMENT = 1_000_000  # characters that ftfy decides on at once, as in `ftfy.fix_text`
_CONFIG = ftfy.TextFixerConfig(explain=False)
# `ftfy.fix_encoding` repeats this until ftfy's slow expression, on all of the text, finds no more
_fix_once = ftfy._fix_encoding_one_step_and_explain


def encoding_repaired(text: str, form: Form) -> str:
    """Return a text with its mojibake repaired as `ftfy.fix_encoding` does it.

    As in `ftfy.fix_text`, each line is decided on alone. ftfy sees suspect lines only.

    Args:
        text: The text.
        form: The normal form, whose table of characters is used.
    """
    data = np.frombuffer(text.encode(), np.uint8)
    parts, done = [], 0
    for first, stop in _suspect_lines(data, text.count("\n") + 1, form):
        parts.append(data[done:first].tobytes().decode())
        line = data[first:stop].tobytes().decode()
        parts += [_repaired(line[n : n + _SEGMENT], form) for n in range(0, len(line), _SEGMENT)]
        done = stop
    return "".join([*parts, data[done:].tobytes().decode()])


def _suspect_lines(data: NDArray[np.uint8], count: int, form: Form) -> list[list[int]]:
    """Return where suspect lines of at most so many begin and end."""
    lines = np.empty((count, 2), np.int64)
    found = find_suspect_lines(data, 0, len(data), characters(form), lines)
    places: list[list[int]] = lines[:found].tolist()
    return places


def _repaired(text: str, form: Form) -> str:
    """Return a line repaired again and again, as long as it is suspect."""
    before = ""
    while text != before and _is_suspect(text, form):
        before, text = text, _fix_once(text, _CONFIG).text
    return fix_surrogates(text)


def _is_suspect(text: str, form: Form) -> bool:
    data = np.frombuffer(text.encode(errors="surrogatepass"), np.uint8)
    return bool(_suspect_lines(data, text.count("\n") + 1, form))
