"""The compiled tokenizer against regular expressions, on any text, table size and slice."""

import unicodedata
from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from oracles import tokens as oracle

from pipelines.corpus.tokenizing import characters as signs
from pipelines.corpus.tokenizing import hashing, tables, texts
from pipelines.corpus.tokenizing.sentences import encoded_rows
from pipelines.corpus.tokenizing.tables import Cut, Lexicon, TokenCounts
from pipelines.corpus.tokenizing.texts import Texts

FULL_STOPS = signs.FULL_STOPS
NASTY = [
    *"abzAZ019_'’.,!?…。！।؟\n\r\t \u00a0\u3000-\u00ad\u200c\u200d\u200b\ufeff",
    *"ΣσςΑİIıßẞǅŉȺé\u0301\u0308ʰ²Ⅷ٣猫かกাि်ക്\u202f\u2028\x85\x00",
    *"𐐀𝔸𝟗𞤀🙂\U000e0100\U0010ffff",
    "\n\n", "\r\n\r\n", ". ", "。」", "the", "don't", "3.14", "1,000",
    "l'猫", "x猫3", "_猫", "ไทย", "กำ", "ー", "カﾞ", "\u001c", "\x85", "\n\u00a0 ",
]  # fmt: skip
nasty = st.lists(st.one_of(st.sampled_from(NASTY), st.characters(codec="utf-8")), max_size=40).map(
    "".join
)
dense = st.text("aBΣ1_'’.\u00ad\u200c\u200d\u0301 \n。", max_size=40)
documents_of = st.lists(st.one_of(nasty, dense), max_size=6)
cuts = st.builds(
    Cut,
    is_lowercase=st.booleans(),
    number_token=st.sampled_from([None, "<number>", "the"]),
    longest=st.integers(2, 5),
    tokenizer=st.sampled_from(["words", "whitespace", "characters"]),
)


def expected(text, cut):
    return oracle.pieces(
        text,
        FULL_STOPS,
        is_lowercase=cut.is_lowercase,
        number_token=cut.number_token,
        longest=cut.longest,
        tokenizer=cut.tokenizer,
    )


def encoded(lexicon, array):
    """Each text's pieces with their ids, and the parts' texts in order."""
    found, document = {}, 0
    for part, result in lexicon.encode(Texts.of(array)):
        begin = 0
        for text, sentence, piece, end in result.rows.tolist():
            found[document + text, sentence, piece] = result.ids[begin:end].tolist()
            begin = end
        document += len(part.offsets) - 1
    return found


def counted(counts, *arrays):
    batches = [batch for array in arrays for batch in counts.add(Texts.of(array))]
    batches += counts.flush()
    return [row for batch in batches for row in batch.to_pylist()]


@given(documents_of, cuts, st.data())
@example(["ΟΔΟΣ ΣΑΣ'Α ΑΣ\u00ad ΑΣ\u0301Β Σ", "İ\u0301x ȺȺȺȺ"], Cut(True, None, 2), None)
def test_sentences_equal_those_of_regular_expressions(documents, cut, data):
    kind = data.draw(st.sampled_from([pa.string(), pa.large_string()])) if data else pa.string()
    start = data.draw(st.integers(0, len(documents))) if data else 0
    documents, array = documents[start:], pa.array(documents, kind).slice(start)
    pieces = {
        (n, *key): found
        for n, text in enumerate(documents)
        for key, found in expected(text, cut).items()
    }
    vocabulary = sorted({token for found in pieces.values() for token in found})
    known = vocabulary[:: data.draw(st.integers(1, 3)) if data else 1]
    ids = {token: number for number, token in enumerate(known)}
    wanted = {key: [ids[t] for t in found if t in ids] for key, found in pieces.items()}
    assert encoded(Lexicon(pa.array(known, pa.string()), cut), array) == wanted


def test_only_blanks_part_tokens_and_sigmas_see_what_stands_between_them():
    signs_between = [
        chr(c) for c in range(0x20000) if not chr(c).isspace() and not 0xD800 <= c < 0xE000
    ]
    texts_of = [f"AΣ{sign}A" for sign in signs_between]
    cut = Cut(True, None, 2, "whitespace")
    rows = counted(TokenCounts(cut), pa.array(texts_of))
    assert Counter({row["token"]: row["count"] for row in rows[:-1]}) == Counter(
        text.lower() for text in texts_of
    )


@given(documents_of, cuts, st.integers(1, 6), st.integers(1, 60))
def test_counts_are_exact_however_small_the_table(documents, cut, most, size):
    found = [expected(text, cut) for text in documents]
    wanted = oracle.counts([[t for p in pieces.values() for t in p] for pieces in found])
    arrays = [pa.array(documents[:3], pa.string()), pa.array(documents[3:], pa.string())]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(texts, "PART_BYTES", size)
        rows = counted(TokenCounts(cut, most=most), *arrays)
    totals, holding = Counter(), Counter()
    for row in rows:
        totals[row["token"]] += row["count"]
        holding[row["token"]] += row["document_count"]
    assert totals.pop(None) == sum(map(len, found))
    assert {t: (n, holding[t]) for t, n in totals.items()} == wanted


def test_a_table_that_is_full_is_emptied_between_texts(monkeypatch):
    monkeypatch.setattr(texts, "PART_BYTES", 1)
    counts = TokenCounts(Cut(True, None, 9), most=3)
    batches = list(counts.add(Texts.of(pa.array(["a b", "c d e f g h", "a", "b"]))))
    assert [batch["token"].to_pylist() for batch in batches] == [
        ["a", "b", "c", "d", "e", "f", "g", "h", None]
    ]
    [rest] = counts.flush()
    assert rest.to_pydict() == {
        "token": ["a", "b", None],
        "count": [1, 1, 2],
        "document_count": [1, 1, 0],
    }


def test_tokens_of_one_hash_are_told_apart_by_their_bytes():
    words = [f"{'x' * n}{c}" for n in (0, 1, 6, 7, 8, 15, 16, 17) for c in "abc"]
    table, begin = tables.TokenTable(len(words), 1000, 1), 0
    same = np.uint64(0xABCDEF << 40 | 5)
    for entry, word in enumerate(words):
        table.arena[begin : begin + len(word)] = np.frombuffer(word.encode(), np.uint8)
        slot = -1 - hashing.find(table.arrays, begin, len(word), same)
        assert slot >= 0
        hashing.put(table.arrays, np.uint64(slot), entry, same)
        table.entries[entry + 1, 0] = begin = begin + len(word)
    for entry, word in enumerate(words):
        table.arena[begin : begin + len(word)] = np.frombuffer(word.encode(), np.uint8)
        assert hashing.find(table.arrays, begin, len(word), same) == entry


def test_a_growing_table_keeps_what_it_counted():
    words = [
        f"w{chr(97 + n // 676)}{chr(97 + n // 26 % 26)}{chr(97 + n % 26)}" for n in range(9000)
    ]
    counts = TokenCounts(Cut(True, None, 9), most=1 << 20)
    counts._table = tables.TokenTable(4, 10, 4)
    rows = counted(counts, pa.array([" ".join(words), " ".join(words[:100])]))
    assert {(row["token"], row["count"], row["document_count"]) for row in rows[:-1]} == {
        (word, 1 + (n < 100), 1 + (n < 100)) for n, word in enumerate(words)
    }


def test_every_character_has_its_class_and_lower_case():
    table = signs.characters(True, "words")
    codes = [c for c in range(0x110000) if not 0xD800 <= c < 0xE000]
    records = table.records[table.blocks[np.array(codes) >> 8] + (np.array(codes) & 255)]
    for code, record in zip(codes, records.tolist(), strict=True):
        kind, sign = unicodedata.category(chr(code))[0], chr(code)
        assert bool(record & signs.LETTER) == (kind == "L"), hex(code)
        assert bool(record & signs.NUMBER) == (kind == "N"), hex(code)
        value = record & signs.VALUE
        if kind in "LMN" and sign.lower() != sign and sign not in "Σİ":
            assert chr(value) == sign.lower()


def test_sentences_are_named_by_document_sentence_and_piece():
    lexicon = Lexicon(pa.array(["a"]), Cut(True, None, 2))
    many = "a. " * 1_000_001
    batch = pa.RecordBatch.from_pydict({"doc_id": ["é-1", "", "b"], "text": ["a a a", many, "a"]})
    found = pa.Table.from_batches(encoded_rows(batch, lexicon)).to_pydict()
    assert found["sentence_id"][:3] == ["é-1:000000.0", "é-1:000000.1", ":000000.0"]
    assert found["sentence_id"][-2:] == [":1000000.0", "b:000000.0"]
    assert found["sentence_id"] == [
        "é-1:000000.0", "é-1:000000.1", *(f":{n:06d}.0" for n in range(1_000_001)), "b:000000.0"
    ]  # fmt: skip
    assert found["doc_id"][:3] == ["é-1", "é-1", ""]
    assert found["token_ids"][:3] == [[0, 0], [0], [0]]


def test_nulls_are_empty_texts_and_nothing_is_no_text():
    lexicon = Lexicon(pa.array(["a"]), Cut(True, None, 9))
    assert encoded(lexicon, pa.array(["a", None, "a a"])) == {(0, 0, 0): [0], (2, 0, 0): [0, 0]}
    assert encoded(lexicon, pa.array([], pa.string())) == {}
    assert encoded(Lexicon(pa.array([], pa.string()), Cut(True, None, 9)), pa.array(["a"])) == {
        (0, 0, 0): []
    }
