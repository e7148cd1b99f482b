"""Normal texts against an oracle, on nasty texts of all planes of Unicode."""

import json
import os
import unicodedata
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from ftfy.badness import BADNESS_RE
from ftfy.chardata import CHARMAP_ENCODINGS
from hypothesis import example, given, settings
from hypothesis import strategies as st
from oracles import normalising as oracle

from pipelines.corpus.normalising.characters import IS_SUSPECT, characters
from pipelines.corpus.normalising.choices import Normalisation
from pipelines.corpus.normalising.normalise import normalise
from pipelines.corpus.normalising.scanning import find_needs
from pipelines.corpus.tokenizing.texts import Texts

DATA = Path(os.environ.get("BENCH_DATA", Path(__file__).parents[2] / "../shared/data"))
CASES = DATA / "messy" / "mojibake_ftfy"
TIDY = Normalisation(repair_encoding=False, html_remains="keep")
SIGNS = (
    "ab1.  \t\n\n\r\x00\x0b\x1f\x7f\x85\x93\u00a0\u2003\u2028\u2029\u3000\u00ad\ufeff\u2060\u200e"
    "\u202b\u200b\u200b\u200c\u200c\u200d\u200d\u0301\u0327\ufe0f\ufffcéｱ´½ﷺ"
    "میखक्നമ്ഖခမ្កไລ漢가각각👩💻🏽❤🏴\U000e0067\U000e007f\U000e0001"
)
signs = st.sampled_from(SIGNS) | st.characters(exclude_categories=["Cs"])
texts = st.lists(signs, max_size=40).map("".join)
dense = st.text(
    st.sampled_from("a \nम्خမ្ไ👩\ufe0f🏴\U000e0067\U000e007f" + "\u200b\u200c\u200d" * 4), max_size=8
)
broken = st.builds(
    lambda text, encoding: text.encode().decode(encoding, "ignore"),
    st.text(st.characters(max_codepoint=0x2FFF, exclude_categories=["Cs"]), max_size=8),
    st.sampled_from(CHARMAP_ENCODINGS),
)
suspicious = st.text(st.sampled_from("".join(sorted({*BADNESS_RE.pattern}))), max_size=20)
documents_of_lines = st.lists(broken | suspicious | texts | st.just("\n"), max_size=6).map("".join)


def normal(documents, how):
    """Return documents in normal form, as one batch of them makes them."""
    return normalise(pa.array(documents, pa.string()), how).texts.to_pylist()


def letters(text):
    """Return the letters of a text, each without its marks."""
    apart = unicodedata.normalize("NFD", text)
    return [sign for sign in apart if unicodedata.category(sign)[0] == "L"]


@settings(max_examples=400, deadline=None)
@given(st.lists(texts | dense, max_size=4), st.sampled_from(["NFC", "NFKC"]))
@example(["a\t\nb", "a\n\u3000", "\u00a0b", "e\u00ad\u0301", "\u00adx", "x \u200d\ny"], "NFC")
@example(["म\u200c\u200cम", "م\n\u200cخ", "👩\u200d\u200d👩", "မ\u200c\u200bမ"], "NFC")
@example(["x´ ﹰ", "a\n´", "م\u200cﹰ"], "NFKC")
def test_texts_are_the_oracles_and_stay_as_they_are(documents, form):
    how = replace(TIDY, form=form)
    found = normal(documents, how)
    assert found == [oracle.normal(text, form) for text in documents]
    column = pa.array(found, pa.string())
    assert normalise(column, how).texts is column
    if form == "NFC":
        assert list(map(letters, found)) == list(map(letters, documents))


@settings(max_examples=400, deadline=None)
@given(st.lists(documents_of_lines, max_size=4))
@example(["œ\nÃ ", "voilÃ  le travail", "schÃ¶n\r\nschön"])
def test_no_text_is_repaired_otherwise_than_by_ftfy(documents):
    how = Normalisation(html_remains="keep")
    found = normalise(pa.array(documents, pa.string()), how)
    repaired = list(map(oracle.repaired, documents))
    assert found.texts.to_pylist() == list(map(oracle.normal, repaired))
    changed = [one != other for one, other in zip(documents, repaired, strict=True)]
    assert found.notes["repaired_encoding"].tolist() == changed


def test_every_pair_that_ftfy_calls_bad_is_suspect():
    signs = sorted({*BADNESS_RE.pattern, *map(chr, range(0x20, 0x100))})
    pairs = [f"{one}{other}" for one, other in product(signs, signs)]
    texts = Texts.of(pa.array(pairs))
    needs = np.zeros(len(pairs), np.int64)
    find_needs(texts.data, texts.offsets, characters("NFC"), needs)
    is_bad = np.array([bool(BADNESS_RE.search(pair)) for pair in pairs])
    assert is_bad.sum() > 1000
    assert not (is_bad & (needs & IS_SUSPECT == 0)).any()


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string()])
def test_slices_nulls_and_large_strings(kind):
    whole = pa.array(["skipped", "a b  c", None, "", "d\r\ne ", "schÃ¶n", "last"], kind)
    found = normalise(whole.slice(1, 5), Normalisation()).texts
    assert found.type == kind
    assert found.to_pylist() == ["a b  c", None, "", "d\ne", "schön"]


@pytest.mark.data
@pytest.mark.skipif(not CASES.is_dir(), reason=f"BENCH_DATA: no folder {CASES}")
def test_every_case_of_ftfys_ends_as_its_file_says():
    read = [case for path in sorted(CASES.glob("*.json")) for case in json.loads(path.read_text())]
    cases = [case for case in read if case["expect"] == "pass"]
    assert len(cases) == 120 + 31
    found = normal([case["original"] for case in cases], Normalisation(html_remains="keep"))
    assert found == [oracle.normal(case.get("fixed-encoding", case["fixed"])) for case in cases]
