"""Mojibake repaired: text that was decoded by another encoding than it was written in."""

import numpy as np
from ftfy import TextFixerConfig, fix_encoding
from ftfy.fixes import fix_surrogates

from pipelines.corpus.normalising.characters import characters
from pipelines.corpus.normalising.choices import Form
from pipelines.corpus.normalising.scanning import find_suspect_lines

_SEGMENT = 1_000_000  # characters that ftfy decides on at once, as in `ftfy.fix_text`
_CONFIG = TextFixerConfig(explain=False)


def encoding_repaired(text: str, form: Form) -> str:
    """Return a text with its mojibake repaired by `ftfy.fix_encoding`.

    As in `ftfy.fix_text`, each line is decided on alone. ftfy sees suspect lines only.

    Args:
        text: The text.
        form: The normal form, whose table of characters is used.
    """
    data = np.frombuffer(text.encode(), np.uint8)
    lines = np.empty((text.count("\n") + 1, 2), np.int64)
    count = find_suspect_lines(data, 0, len(data), characters(form), lines)
    parts, done = [], 0
    for first, stop in lines[:count].tolist():
        parts.append(data[done:first].tobytes().decode())
        parts.append(_repaired(data[first:stop].tobytes().decode()))
        done = stop
    return "".join([*parts, data[done:].tobytes().decode()])


def _repaired(line: str) -> str:
    segments = (line[at : at + _SEGMENT] for at in range(0, len(line), _SEGMENT))
    return fix_surrogates("".join(fix_encoding(segment, _CONFIG) for segment in segments))
