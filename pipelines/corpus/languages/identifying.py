"""Texts to languages: samples, what a detector says of them, and which answers count."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.corpus.languages.detectors import UNDETERMINED, Detector, load
from pipelines.corpus.languages.sampling import ROOM, sample
from pipelines.corpus.signals.characters import characters
from pipelines.corpus.tokenizing.texts import Texts
from pipelines.errors import ConfigError


@dataclass(frozen=True)
class Languages:
    """Languages of texts.

    Args:
        codes: A code per text, `und` where the score is too small.
        scores: The best language's score per text, also of those that are `und`, float64.
    """

    codes: pa.StringArray
    scores: pa.DoubleArray


@dataclass(frozen=True)
class Identifier:
    """Tells the languages of texts; it is sent to tasks.

    Args:
        name: Name of the detector; `none` tells no language.
        min_score: Smallest score that counts; the detector's own where it is None.
    """

    name: str
    min_score: float | None = None

    @property
    def detector(self) -> Detector | None:
        """The detector, loaded once in this process: it cannot be sent."""
        return None if self.name == "none" else load(self.name)

    def require(self, codes: Sequence[str], setting: str) -> None:
        """Refuse languages that the detector does not tell.

        Raises:
            ConfigError: The detector does not know a code; its codes are listed.
            DependencyError: The detector is not installed.
        """
        if self.detector is None:
            raise ConfigError(f"{setting}: set a language_detector; none tells no language")
        known = (*self.detector.codes, UNDETERMINED)
        code = next((code for code in codes if code not in known), None)
        if code is not None:
            other = self.detector.named.get(code)
            hint = f"it calls it {other!r}; " if other else ""
            raise ConfigError(
                f"{setting}: {self.name} does not know {code!r}; {hint}it knows {', '.join(known)}"
            )

    def __call__(self, column: pa.Array) -> Languages:
        """Return the language of each text of an Arrow array of strings."""
        if self.detector is None:
            return Languages(pa.repeat(UNDETERMINED, len(column)), pa.array(np.zeros(len(column))))
        found = list(self.detector.detect(samples(column).to_pylist()))
        codes = pa.array([code for code, _ in found], pa.string())
        scores = pa.array([score for _, score in found], pa.float64())
        least = self.detector.min_score if self.min_score is None else self.min_score
        return Languages(pc.if_else(pc.less(scores, least), UNDETERMINED, codes), scores)


def samples(column: pa.Array) -> pa.Array:
    """Return what a detector is to see of each text: at most 996 bytes of words and blanks."""
    texts = Texts.of(column)
    count = len(texts.offsets) - 1
    out = np.empty(min(texts.size + count, ROOM * count), np.uint8)
    ends = np.zeros(count + 1, np.int64)
    sample(texts.data, texts.offsets, characters(), out, ends)
    buffers = [None, pa.py_buffer(ends), pa.py_buffer(out)]
    return pa.Array.from_buffers(pa.large_string(), count, buffers)
