"""The compiled signals against an oracle, on nasty texts of all planes of Unicode."""

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from oracles import signals as oracle

from pipelines.corpus.signals.counts import COUNTS
from pipelines.corpus.signals.measuring import measure

SIGNS = (
    "abcABC019 _'’-.…!?,;:#{}()[]\"”»\n\t •*\u00a0\u2028\u3000\u00ad\u200b\u200c\u200d\u0301"
    "\u20e3\ufe0féİıßΣςσДдक्षिणমত தமிழ்שָׁלוֹםبِسْم。．！？「」၊။។漢字かなカナーｱไทยລາວမြန်ខ្មែរ"
    "한글가각ᄀ𝔘𐐀𐐨👩🇩🇪𠀀𰀀\U000e0100"
)
PIECES = [
    "the", "The", "be to of", "that have with", "lorem ipsum", "Lorem", "ipsum", "JavaScript",
    "terms of use", "terms", "of use", "use of cookies", "uses cookies", "use cookies",
    "privacy policy", "cookie", "policy", "...", "....", "\n\n", " \n", "- ", "same line here\n",
    "one two three four five six ", "x" * 1001, "don't", "co-op", "a\u00adb",
]  # fmt: skip
texts = st.lists(
    st.one_of(
        st.sampled_from(SIGNS),
        st.sampled_from([*PIECES, *(f"{piece} " for piece in PIECES)]),
        st.characters(exclude_categories=["Cs"]),
    ),
    max_size=60,
).map("".join)
few = st.lists(st.sampled_from(["a ", "b ", "c\n", "漢", "\n"]), max_size=9).map("".join)
repetitive = st.lists(few | st.just("a b a b b a "), max_size=4).flatmap(
    lambda pieces: st.lists(st.sampled_from([*pieces, ""]), max_size=12).map("".join)
)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(texts, repetitive), min_size=1, max_size=4))
@example(["", "\n", "a", "\u0301", "漢" * 3])
@example(["terms of\nuse", "lorem\nipsum", "use of\ncookies", "privacy\n\npolicy"])
def test_counts_are_the_oracles(documents):
    found = measure(pa.array(documents))
    for row, text in zip(found.counts.tolist(), documents, strict=True):
        assert dict(zip(COUNTS, row, strict=True)) == oracle.counted(text)


@settings(max_examples=200, deadline=None)
@given(st.lists(texts, min_size=1, max_size=6))
@example(["İx ΣΑΣ Ⅷ", "a b", "ab"])
def test_texts_have_one_hash_if_white_space_and_case_alone_differ(documents):
    variants = [f"  {text.upper()}\t\n".replace(" ", " \n ") for text in documents]
    many = [*documents, *variants, *map(oracle.content, documents)]
    contents = [oracle.content(text) for text in many]
    for half in measure(pa.array(many)).contents.T.tolist():
        assert len(set(zip(half, contents, strict=True))) == len(set(half)) == len(set(contents))


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string()])
def test_slices_nulls_and_large_strings(kind):
    whole = pa.array(["skipped", "a b  c", None, "", "d\r\ne ", "last"], kind)
    assert measure(whole.slice(1, 4))["words"].tolist() == [3, 0, 0, 2]
    assert len(measure(whole.slice(0, 0)).counts) == 0
