"""Judged documents: ids, reasons with values and thresholds, and every script at home."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import pyarrow as pa
import pytest

from pipelines.corpus.cleaning import judge_of
from pipelines.corpus.config import CleaningSettings
from pipelines.corpus.judging import STORED_SIGNALS
from pipelines.corpus.rules import Rules, all_rules, named_rules
from pipelines.corpus.signals.characters import UPPER, VALUE, characters
from pipelines.corpus.signals.counts import COUNTS
from pipelines.corpus.signals.formulas import SIGNALS
from pipelines.corpus.signals.measuring import measure
from schemas import DOCUMENTS

TEXTS = ("source", "text", "record", "problem", "notes", "id", "own")
SCHEMA = pa.schema([("position", pa.int64()), *((name, pa.string()) for name in TEXTS)])
PROSE = "The reason that we have to be careful with this is simple, and all of us know of it. "
SCRIPTS = {
    "Hindi": "यह एक छोटा सा वाक्य है। हिन्दी में मात्राएँ होती हैं और शब्द लंबे होते हैं।",
    "Tamil": "தமிழ் மொழியில் உயிர்மெய் எழுத்துகள் உள்ளன. இது ஒரு சிறிய வாக்கியம் ஆகும்.",
    "Bengali": "এটি একটি ছোট বাক্য। বাংলা ভাষায় স্বরচিহ্ন আছে এবং শব্দ লম্বা হয়।",
    "Burmese": "ဤသည်မှာ စာကြောင်း တစ်ကြောင်း ဖြစ်သည်။ မြန်မာစာတွင် သရများ ရှိသည်။",
    "vocalised Arabic": "بِسْمِ اللَّهِ الرَّحْمَٰنِ الرَّحِيمِ رَبِّ الْعَالَمِينَ",
    "pointed Hebrew": "בְּרֵאשִׁית בָּרָא אֱלֹהִים אֵת הַשָּׁמַיִם וְאֵת הָאָרֶץ׃ וְהָאָרֶץ הָיְתָה תֹהוּ וָבֹהוּ",
    "Chinese": "这是一个很短的句子。中文的词之间没有空格。",
    "Japanese": "これは短い文です。日本語の単語の間には空白がありません。",
    "Thai": "นี่คือประโยคสั้นๆ ภาษาไทยไม่มีช่องว่างระหว่างคำ",
    "Khmer": "នេះគឺជាប្រយោគខ្លី។ ភាសាខ្មែរមិនមានចន្លោះរវាងពាក្យទេ។",
    "Lao": "ນີ້ແມ່ນປະໂຫຍກສັ້ນໆ ພາສາລາວບໍ່ມີຊ່ອງຫວ່າງ",
    "Korean": "이것은 아주 짧은 문장입니다. 한국어는 단어 사이에 공백이 있습니다.",
    "Persian": "این یک جمله‌ی کوتاه است و می‌خواهم آن را بخوانم.",
    "soft hyphens": "Donau\u00addampf\u00adschiff\u00adfahrts gesell\u00adschaft ist das ja",
}


def judged(
    *rows: dict[str, Any],
    sets: tuple[Any, ...] = (),
    settings: Mapping[str, Any] = MappingProxyType({}),
    **rules: Any,
) -> list[dict[str, Any]]:
    """Return rows as judged; each is numbered by its position."""
    full = [{"source": "a", "position": n, **row} for n, row in enumerate(rows)]
    batch = pa.RecordBatch.from_pylist(full, schema=SCHEMA)
    tree = {"rules": rules, "rule_sets": list(sets), **settings}
    judge = judge_of(CleaningSettings.model_validate(tree), SCHEMA.names)
    [found] = judge([batch.slice(0, 0), batch])
    assert found.schema == judge.schema
    return list(found.to_pylist())


def broken(row: dict[str, Any]) -> list[str]:
    """Return the rules that a judged row broke."""
    return [reason["rule"] for reason in row["reasons"]]


@pytest.mark.parametrize("script", SCRIPTS)
def test_every_script_passes_the_default_rules(script: str) -> None:
    [row] = judged({"text": SCRIPTS[script]})
    assert broken(row) == []


def test_marks_belong_to_words_and_letters_without_blanks_are_words() -> None:
    measures = measure(pa.array(["हिन्दी में", "日本 abc", "a\u00adb c\u200dd", "สั้น"]))
    assert measures["words"].tolist() == [2, 3, 2, 2]
    assert measures["word_characters"].tolist() == [9, 5, 4, 4]
    assert measures["blankless_words"].tolist() == [0, 2, 0, 2]


def test_lengths_are_those_of_words_with_blanks_and_unjudged_where_these_are_few() -> None:
    mixed, few = judged({"text": "漢字 " + "abcd " * 5}, {"text": "漢字かな " * 3 + "a b c"})
    assert mixed["mean_word_length"] == 4
    assert few["mean_word_length"] == 1
    assert broken(few) == []


def test_reasons_have_rule_value_and_threshold_in_the_order_of_rules() -> None:
    short, refused, empty, sound = judged(
        {"text": "# 1"},
        {"record": "{", "problem": "valid_json"},
        {},
        {"text": PROSE},
        sets=["gopher_quality"],
    )
    assert [tuple(reason.values()) for reason in short["reasons"]] == [
        ("word_count", "1", ">= 5"),
        ("mean_word_length", "1.0", ">= 2"),
        ("alphabetic_word_share", "0.0", ">= 0.5"),
        ("symbol_word_ratio", "1.0", "<= 0.2"),
        ("gopher_quality.word_count", "1", ">= 50"),
        ("gopher_quality.mean_word_length", "1.0", ">= 3"),
        ("gopher_quality.alphabetic_word_share", "0.0", ">= 0.8"),
        ("gopher_quality.hash_word_ratio", "1.0", "<= 0.1"),
    ]
    assert refused["reasons"] == [{"rule": "valid_json", "value": None, "threshold": None}]
    assert (refused["text"], broken(empty), empty["text"]) == ("{", ["has_text"], "")
    assert broken(sound) == ["gopher_quality.word_count"]
    assert [short["_records"], sound["_records"]] == [4, 0]


def test_ids_are_given_or_of_the_place_and_own_columns_stay() -> None:
    rows = judged({"id": "x", "own": "mine"}, {"id": " "}, {}, {"position": 2})
    ids = [row["doc_id"] for row in rows]
    assert ids[0] == "x"
    assert {len(each) for each in ids[1:]} == {32}
    assert len(set(ids)) == 3
    assert ids[2] == ids[3]
    assert rows[0]["own"] == "mine"


BROKEN = {
    "gopher_quality": {
        "word_count": PROSE,
        "mean_word_length": "of the a b c d e f g h i j k l m n o p q r s t " * 3,
        "hash_word_ratio": PROSE * 4 + "# " * 20,
        "ellipsis_word_ratio": PROSE * 4 + "… " * 20,
        "bullet_line_share": "\n".join(f"- {PROSE} {n}" for n in range(4)),
        "ellipsis_line_share": "\n".join(f"{n} {PROSE[:-2]}..." for n in range(4)),
        "alphabetic_word_share": PROSE * 4 + "123 " * 40,
        "stop_word_count": "words without any of what english needs here stand in rows " * 6,
    },
    "gopher_repetition": {
        "duplicate_line_share": f"{PROSE}\n" * 3,
        "duplicate_paragraph_share": f"{PROSE}\n\n" * 3,
        "duplicate_line_character_share": f"{PROSE}\n" * 3,
        "duplicate_paragraph_character_share": f"{PROSE}\n\n" * 3,
        **{f"top_{n}_gram_character_share": "one two three four " * 9 for n in (2, 3, 4)},
        **{f"duplicate_{n}_gram_character_share": PROSE * 3 for n in range(5, 11)},
    },
    "c4": {
        "sentence_count": PROSE,
        "brace_count": PROSE * 6 + "function() { return }",
        "lorem_ipsum_count": PROSE * 6 + "Lorem ipsum dolor",
    },
    "fineweb": {
        "terminal_line_share": "\n".join(f"{PROSE} {n}" for n in range(10)),
        "duplicate_line_character_share": f"{PROSE}\n" * 3,
        "short_line_share": "short line.\n" * 3,
        "line_word_ratio": "one\ntwo\nthree\nfour\nfive\n",
    },
}


@pytest.mark.parametrize("name", named_rules())
def test_each_rule_of_a_set_rejects_what_it_is_for(name: str) -> None:
    bounds = {rule.signal for rule in all_rules(named_rules()[name], [])}
    assert bounds == set(BROKEN[name])
    rows = judged(*({"text": text} for text in BROKEN[name].values()), sets=[name])
    missed = [
        signal
        for signal, row in zip(BROKEN[name], rows, strict=True)
        if f"{name}.{signal}" not in broken(row)
    ]
    assert missed == []


def test_good_prose_passes_all_sets() -> None:
    lines = [
        "The history of the lighthouse begins in 1782, when a storm took two ships and crews.",
        "Its first keeper, a retired sailor, wrote down every night what he had seen there.",
        "These books have survived, and they tell us much about trade along the northern coast.",
        "After the railway came, fewer vessels passed; the lamp was nevertheless kept burning.",
        "Today visitors can climb to the gallery, read copies of the logs, and watch for whales.",
    ]
    [row] = judged({"text": "\n\n".join(lines)}, sets=tuple(named_rules()))
    assert broken(row) == []


def test_each_signal_has_a_formula_of_known_counts_and_a_bound() -> None:
    assert list(SIGNALS) == list(Rules.model_fields)
    assert set(STORED_SIGNALS) <= set(SIGNALS)
    assert set(STORED_SIGNALS) <= set(DOCUMENTS.column_names)
    terms = " ".join(f"{s.part} {s.whole or ''}" for s in SIGNALS.values()).replace("-", "")
    assert set(terms.split()) == set(COUNTS)


def test_datatroves_repetition_on_its_own_examples() -> None:
    """Expected values are worked out by hand: characters of words with single blanks between."""
    again = measure(pa.array(["a b c a b c a b c a b", "x y x y x y", "one two three"]))
    assert again["top_2_grams"].tolist() == [4 * 3, 3 * 3, 0]  # "a b", "x y"
    assert again["top_3_grams"].tolist() == [3 * 5, 2 * 5, 0]
    assert again["duplicate_5_grams"].tolist() == [9, 0, 0]  # the fourth five words are the first


def test_a_large_document_is_measured_as_a_small_one_of_its_kind() -> None:
    words = [f"word{n}" for n in range(120_000)]
    text = " ".join(words)
    whole = measure(pa.array([PROSE, text, f"{text}\n{text}"]))
    assert whole["words"].tolist() == [19, 120_000, 240_000]
    assert whole["duplicate_lines"].tolist() == [0, 0, 1]
    assert whole["duplicate_10_grams"].tolist()[:2] == [0, 0]
    assert whole["duplicate_10_grams"][2] == len(text) - 11_999


def test_one_character_alone_has_a_longer_lower_case() -> None:
    longer = [code for code in range(0x110000) if len(chr(code).lower()) > 1]
    assert longer == [0x130]
    blocks, numbers = characters()
    assert numbers[blocks[ord("É") >> 8] + (ord("É") & 255)] & UPPER
    assert numbers[ord("A")] & VALUE == ord("a")
