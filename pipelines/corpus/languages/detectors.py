"""The libraries that tell a text's language, behind one call: texts to codes and scores.

Codes are those of ISO 639-1, or 639-3 where a language has no other; `und` is no language.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from pipelines.errors import DependencyError

DetectorName = Literal["eldc", "py3langid", "pycld2"]
Found = tuple[str, float]
"""Code and score, from 0 to 1, of the best language of a text."""

UNDETERMINED = "und"
NOTHING: Found = (UNDETERMINED, 0.0)


@dataclass(frozen=True)
class Detector:
    """A library that is loaded.

    Args:
        name: As in settings.
        codes: Languages it knows.
        min_score: Score below which its answers are more often wrong than right.
        detect: Yields the best language of each text, `NOTHING` where there is none.
        named: What it calls languages that it does not tell from others, by their codes.
    """

    name: str
    codes: tuple[str, ...]
    min_score: float
    detect: Callable[[list[str]], Iterator[Found]]
    named: dict[str, str]


def default_detector() -> DetectorName:
    """Return the detector where none is named: py3langid where eldc has no wheel and is absent."""
    return "py3langid" if find_spec("eldc") is None and find_spec("py3langid") else "eldc"


@cache
def load(name: str) -> Detector:
    """Load a detector, once in a process.

    Raises:
        DependencyError: Its library is not installed, or cannot be imported.
    """
    loaders: dict[str, Callable[[], Detector]]
    loaders = {"eldc": _eldc, "py3langid": _py3langid, "pycld2": _pycld2}
    try:
        return loaders[name]()
    except ImportError as error:
        others = [other for other in loaders if other != name and find_spec(other)]
        package = "eldc" if name == "eldc" else "'vectormill[languages]'"
        raise DependencyError(
            f"language_detector: {name} is missing: pip install {package}, or set "
            f"language_detector: {' | '.join([*others, 'none'])} ({error})"
        ) from error


def _eldc() -> Detector:
    """Return eldc: 60 languages, the fastest; it reads the first 1,000 bytes, 500 n-grams of them.

    Some languages come with a high score under the code of a near one that it knows; it tells
    Serbian in Latin letters as Croatian. Khmer, Burmese and Sinhala, whose letters no language that
    it knows has, are `und`.
    """
    module: Any = import_module("eldc")
    module.init()
    instance = module.instance()
    instance.set_scores(1)

    def detect(texts: list[str]) -> Iterator[Found]:
        for told in map(instance.detect_details, texts):
            scores = told.scores
            yield next(iter(scores.items())) if scores else NOTHING

    near = {"id": "ms", "bs": "hr", "mk": "sr", "af": "nl", "mn": "ru", "ne": "hi", "gl": "es"}
    near |= {"nb": "no", "nn": "no"}
    return Detector("eldc", tuple(module.LANGUAGES), 0.65, detect, near)


def _py3langid() -> Detector:
    """Return py3langid: 139 languages; the score is a probability among these."""
    module: Any = import_module("py3langid.langid")
    model = Path(module.__file__).parent / module.MODEL_FILE
    langid = module.LanguageIdentifier.from_model_file(model, norm_probs=True)
    codes = tuple(sorted(code for code in map(str, langid.labels) if code != "zxx"))

    def detect(texts: list[str]) -> Iterator[Found]:
        for text in texts:
            code, score = langid.classify(text) if text else NOTHING
            yield NOTHING if code == "zxx" else (str(code), float(score))

    return Detector("py3langid", codes, 0.5, detect, {"nb": "no"})


def _pycld2() -> Detector:
    """Return CLD2: some 160 languages; the score is the share of the text, 0 if it is in doubt."""
    module: Any = import_module("pycld2")
    code_of = {code: _CLD2.get(code, code) for _, code in module.LANGUAGES}
    known = {code_of[code] for name, code in module.LANGUAGES if name in module.DETECTED_LANGUAGES}
    codes = tuple(sorted(code for code in known if "-" not in code and code not in _JOKES))

    def detect(texts: list[str]) -> Iterator[Found]:
        for text in texts:
            is_reliable, _, [(_, code, share, _), *_] = module.detect(text)
            code = code_of.get(code, UNDETERMINED)
            is_told = is_reliable and code in known and code in codes
            yield (code, share / 100) if is_told else NOTHING

    return Detector("pycld2", codes, 0.5, detect, {"nb": "no"})


_CLD2 = {"iw": "he", "jw": "jv", "zh-Hant": "zh", "sr-ME": "sr", "mo": "ro", "in": "id"}
"""Codes of CLD2 that ISO 639 has not, or has no longer."""
_JOKES = {"tlh", "xxx", "zzb", "zze", "zzh", "zzp"}
