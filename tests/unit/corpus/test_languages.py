"""Languages of documents: what detectors tell, what rules of languages judge, what is refused."""

import csv
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from pipelines.corpus.cleaning import judge_of
from pipelines.corpus.config import CleaningSettings
from pipelines.corpus.languages import detectors
from pipelines.corpus.languages.identifying import Identifier, samples
from pipelines.corpus.languages.sampling import ROOM
from pipelines.corpus.signals.lexicon import lexicon, stop_words, word_hash
from pipelines.corpus.signals.measuring import measure
from pipelines.errors import ConfigError, DependencyError

DATA = Path(__file__).resolve().parents[2] / "data" / "udhr_article_1.tsv"
with DATA.open(encoding="utf-8") as file:
    ARTICLES = {
        row["code"]: row["text"]
        for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
    }
CODES = list(ARTICLES)
MISSED: dict[str, set[str]] = {
    "eldc": set(),
    "py3langid": {"bs", "hr", "id", "ku"},
    "pycld2": {"bs", "hr", "ku"},
}
"""What each detector takes for a near language, or for none where it is in doubt."""
NO_WORDS = ["12 345 6789 10.5", "https://a.bc/de?f=g h@i.jk", "()[]{}", "", "😀 🎉", "ab12cd 0xff"]


def judged(texts: list[str], **settings: Any) -> list[dict[str, Any]]:
    """Return texts as judged."""
    nulls = [None] * len(texts)
    names = ["source", "position", "text", "record", "problem", "notes"]
    columns = [["a"] * len(texts), range(len(texts)), texts, nulls, nulls, nulls]
    kinds = [pa.string(), pa.int64(), *[pa.string()] * 4]
    arrays = [pa.array(c, k) for c, k in zip(columns, kinds, strict=True)]
    judge = judge_of(CleaningSettings.model_validate(settings), names)
    [found] = judge([pa.RecordBatch.from_arrays(arrays, names=names)])
    return list(found.to_pylist())


def broken(row: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Return the rules that a judged row broke, with values and thresholds."""
    return [(r["rule"], r["value"], r["threshold"]) for r in row["reasons"]]


@pytest.mark.parametrize("name", MISSED)
def test_a_detector_finds_the_languages_it_knows(name: str) -> None:
    identifier = Identifier(name)
    assert identifier.detector is not None
    known = [code for code in CODES if code in identifier.detector.codes]
    assert len(known) >= 60
    found = identifier(pa.array([ARTICLES[code] for code in known]))
    wrong = {c for c, f in zip(known, found.codes.to_pylist(), strict=True) if c != f}
    assert wrong <= MISSED[name]
    assert identifier(pa.array(NO_WORDS)).codes.to_pylist() == ["und"] * len(NO_WORDS)


def test_no_sample_of_a_language_is_rejected_by_words() -> None:
    """As one line of five times the article, so that it is long enough for Gopher."""
    texts = [" ".join([text] * 5) for text in ARTICLES.values()]
    rows = judged(texts, rule_sets=["gopher_quality", "c4", "fineweb"], language_detector="eldc")
    assert {c: broken(r) for c, r in zip(CODES, rows, strict=True) if r["reasons"]} == {}
    texts = [text.replace("。", "。\n").replace("，", "\n") for text in texts]
    cut = dict(zip(CODES, judged(texts, rule_sets=["fineweb"]), strict=True))
    assert "fineweb.short_line_share" not in [rule for rule, *_ in broken(cut["zh"])]


def test_letters_of_scripts_without_blanks_are_no_n_grams_of_words() -> None:
    names = ("th", "my", "km", "en")
    rows = judged([" ".join([ARTICLES[n]] * 3) for n in names], rule_sets=["gopher_repetition"])
    found = {n: [rule for rule, *_ in broken(r)] for n, r in zip(names, rows, strict=True)}
    assert "gopher_repetition.duplicate_5_gram_character_share" in found["en"]
    assert not [rule for n in names[:3] for rule in found[n] if ".duplicate_" in rule]


def test_languages_filter_and_scores_below_the_least_are_und() -> None:
    texts = [ARTICLES["de"], ARTICLES["fr"], "12 345 67 89 1011"]
    german, french, digits = judged(texts, languages=["de", "und"])
    assert (german["language"], german["reasons"]) == ("de", [])
    assert ("language", "fr", "in de, und") in broken(french)
    assert (digits["language"], digits["language_score"]) == ("und", 0)
    assert "language" not in [rule for rule, *_ in broken(digits)]
    [unsure, *_] = judged(texts, min_language_score=0.999)
    assert unsure["language"] == "und"
    assert 0.8 < unsure["language_score"] < 0.999
    [none, *_] = judged(texts, language_detector="none", rule_sets=["gopher_quality"])
    assert (none["language"], none["language_score"]) == ("und", 0)
    assert ("gopher_quality.stop_word_count", "0", ">= 2") in broken(none)


def test_bounds_of_a_language_stand_in_place_of_the_others() -> None:
    texts = [ARTICLES["de"], ARTICLES["fr"]]
    rules = {
        "mean_word_length": {"max": 4},
        "languages": {"de": {"mean_word_length": {"max": 5}, "word_count": {}}},
        "word_count": {"min": 99},
    }
    german, french = judged(texts, rules=rules)
    assert [(r, t) for r, _, t in broken(german)] == [("mean_word_length", "<= 5")]
    assert [(r, t) for r, _, t in broken(french)] == [
        ("word_count", ">= 99"),
        ("mean_word_length", "<= 4"),
    ]


def test_unknown_languages_and_missing_detectors_are_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(ConfigError, match="languages: eldc does not know 'id'; it calls it 'ms'"):
        judged([""], languages=["en", "id"], language_detector="eldc")
    with pytest.raises(ConfigError, match=r"rules\.languages: .*'dee'.* am, ar, az, be"):
        judged([""], rules={"languages": {"dee": {}}})
    with pytest.raises(ValueError, match="unknown signal 'words'; did you mean 'word_count'"):
        judged([""], rules={"languages": {"de": {"words": {}}}})
    with pytest.raises(ConfigError, match="set a language_detector"):
        judged([""], languages=["en"], language_detector="none")
    assert CleaningSettings(languages=[False, "en"]).languages == ["no", "en"]  # type: ignore[list-item]
    monkeypatch.setitem(sys.modules, "pycld2", None)
    detectors.load.cache_clear()
    with pytest.raises(DependencyError, match=r"pycld2 is missing: pip install 'vectormill\[lang"):
        judged([""], language_detector="pycld2", languages=["en"])


def test_samples_are_words_of_all_parts_of_a_text() -> None:
    texts = [
        "One's e-mail is a@b.cd, see https://x.yz/1 or A1 <b>now!",
        "a " * 9000 + "б " * 9000 + "日本" * 9000,
        "été" * 9000,
        "2020年、日本。",
    ]
    one, long, accents, digits = samples(pa.array(["skipped", *texts]).slice(1)).to_pylist()
    assert one.split() == ["One's", "e", "mail", "is", "see", "or"]
    assert all(sign in long for sign in "aб日")
    assert {len(long.encode()) <= ROOM, len(accents.encode()) <= ROOM} == {True}
    assert len(long.encode()) > ROOM - 9
    assert digits.split() == ["年", "日本"]


def test_words_of_every_list_are_found_in_their_own_table() -> None:
    words, tables = stop_words(), lexicon().tables
    assert list(words) == list(tables)
    texts = pa.array([" ".join(each) for each in words.values()])
    own = measure(texts, np.array(list(tables.values())))
    assert own["stop_words"].tolist() == [len(each) for each in words.values()]
    none = measure(texts, np.zeros(len(texts), np.int64))
    assert none["stop_words"].tolist() == [0] * len(texts)
    assert measure(pa.array(["Lorem ipsum"]), np.array([tables["de"]]))["lorem_ipsum"] == [1]
    assert word_hash("ab") != word_hash("ba")
