"""Texts repaired and normalised: mojibake, remains of HTML, unseen characters; their notes."""

from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest

from pipelines.corpus.judging import Judge
from pipelines.corpus.languages.identifying import Identifier
from pipelines.corpus.line_rules import LineRules
from pipelines.corpus.normalising.choices import AS_USUAL, Normalisation
from pipelines.corpus.normalising.html_remains import stripped, unescaped
from pipelines.corpus.normalising.normalise import normalise

TEXTS = ("source", "text", "record", "problem", "notes")
SCHEMA = pa.schema([("position", pa.int64()), *((name, pa.string()) for name in TEXTS)])
SOUND = [
    "Über die Brücke – „so weit“ – führt kein Weg; ©2024, 20 °C, §5, 3 × 4 ≤ 12.",
    "Il a dit : « L’œuvre, c’est ça… » à Noël, en août.",
    "Он сказал: «Привет, Вася»; это №5.",
    "Το «έργο» του, όπως λένε…",
    "Příliš žluťoučký kůň úpěl ďábelské ódy. Zażółć gęślą jaźń.",
    "Đây là một câu tiếng Việt. ÇA VA? NÃO, É SÓ ISSO!",
    "これは「日本語」です。한국어도 있습니다.",
]
MESSY = {
    "schÃ¶ne GrÃ¼ÃŸe": "schöne Grüße",
    "itâ€™s â€œfineâ€\x9d": "it’s “fine”",
    "РџСЂРёРІРµС‚, РјРёСЂ": "Привет, мир",
    "Î•Î»Î»Î¬Î´Î±": "Ελλάδα",
    "\x84Na so was\x93, sagte er": "„Na so was“, sagte er",
    "doppelt: schÃƒÂ¶n": "doppelt: schön",
    "eine Zeile schön\neine schÃ¶n": "eine Zeile schön\neine schön",
}


def normal(text: str, how: Normalisation = AS_USUAL) -> Any:
    return normalise(pa.array([text]), how).texts[0].as_py()


def test_mojibake_is_repaired_line_by_line_and_sound_text_is_left() -> None:
    texts = [*MESSY, *SOUND]
    found = normalise(pa.array(texts), AS_USUAL)
    assert found.texts.to_pylist() == [*MESSY.values(), *SOUND]
    is_repaired = [True] * len(MESSY) + [False] * len(SOUND)
    assert found.notes["repaired_encoding"].tolist() == is_repaired
    sound = pa.array(SOUND)
    assert normalise(sound, AS_USUAL).texts is sound
    messy = "schÃ¶ne GrÃ¼ÃŸe"
    assert normal(messy, Normalisation(repair_encoding=False)) == messy


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Donau\u00addampf\u00adschiff", "Donaudampfschiff"),
        ("\ufeffa\u2060b\u200ec\u202ad\u202c \u2066e\u2069", "abcd e"),
        ("super\u200bcali", "supercali"),
        ("ខ្មែរ\u200bភាសា\u200b ก\u200bข", "ខ្មែរ\u200bភាសា ก\u200bข"),
        ("می\u200cخواهم\u200c \u200cبروم", "می\u200cخواهم بروم"),
        ("Auf\u200clage x\u200dy", "Auflage xy"),
        ("क्\u200dष क्\u200cष അവന്\u200d.", "क्\u200dष क्\u200cष അവന്\u200d."),
        ("👩\u200d💻 👩\u200d a ❤\ufe0f\u200d🔥", "👩\u200d💻 👩 a ❤\ufe0f\u200d🔥"),
        ("🏴\U000e0067\U000e007f\U000e0041 a\U000e0041", "🏴\U000e0067\U000e007f a"),
        ("10\u00a0000\u202fkm\u3000\u2003x", "10 000 km  x"),
        ("a\u2028b\x85c\r\nd\re", "a\nb\nc\nd\ne"),
        ("a\x00b\x0cc\x7f", "a b c"),
        ("e\u00ad\u0301", "é"),
    ],
)  # fmt: skip
def test_unseen_characters_stay_where_scripts_need_them(text: str, wanted: str) -> None:
    how = Normalisation(repair_encoding=False)
    assert normal(text, how) == wanted
    tidy = pa.array([wanted])
    assert normalise(tidy, how).texts is tidy


def test_compatibility_forms_are_one_by_choice() -> None:
    assert normal("ﬁne ｆｕｌｌ №5 ½") == "ﬁne ｆｕｌｌ №5 ½"
    assert normal("ﬁne ｆｕｌｌ №5 ½", Normalisation(form="NFKC")) == "fine full No5 1⁄2"


@pytest.mark.parametrize(
    ("text", "as_unescaped", "as_stripped"),
    [
        ("caf&eacute; &amp; bar&#x21; 3 < 5", "café & bar! 3 < 5", "café & bar! 3 < 5"),
        ("&amp;amp;lt; AT&T; R&B", "< AT&T; R&B", "< AT&T; R&B"),
        ("<p>the &lt;b&gt; <b>tag</b></p>", None, "\nthe <b> tag\n"),
        ("List<String> x <y and z> a", None, None),
        ("a<br/>b<!-- c -->d<script>1 < 2</SCRIPT >e", None, "a\nbd\ne"),
        ("a<!-- never closed <script> b", None, "a<!-- never closed \n b"),
        ('<a href="x">link</a> <td class=y>cell', None, "link \ncell"),
    ],
)
def test_remains_of_html(text: str, as_unescaped: str | None, as_stripped: str | None) -> None:
    assert unescaped(text) == (as_unescaped or text)
    assert stripped(text) == (as_stripped or text)


def test_html_is_left_resolved_or_taken_out() -> None:
    texts = pa.array(["Gr&uuml;&szlig;e", "<i>Gr&uuml;&szlig;e</i>", "schÃ&para;n", "AT&T"])
    found = {
        kind: normalise(texts, replace(AS_USUAL, html_remains=kind))
        for kind in ("keep", "unescape", "strip")
    }
    assert found["keep"].texts is texts
    resolved = found["unescape"]
    assert resolved.texts.to_pylist() == ["Grüße", texts[1].as_py(), "schön", "AT&T"]
    assert resolved.notes["html_remains"].tolist() == [True, False, True, False]
    assert resolved.notes["repaired_encoding"].tolist() == [False, False, True, False]
    assert found["strip"].texts.to_pylist() == ["Grüße", "Grüße", "schön", "AT&T"]


WIKI = {
    "'''Bo''' ''it'' don't [[Page|text]]s [[Page]]s [[:Category:X|x]]": "Bo it don't texts Pages x",
    "a{{t|{{u|[[x]]}}\n|}} b{{{1|c}}} d": "a b d",
    "[[File:a.jpg|thumb|A [[b]] [http://c d]]]x [[Kategorie:Y]][[de:Z]]": "x",
    "== Head ==\n* one\n:# two\n----\nthree = 3\n=a=": "Head\none\ntwo\n\nthree = 3\na",
    "a\n{|\n! b\n|-\n| {{c\n|}}\n| d\n|}\ne": "a\n\ne",
    'a<ref name="x">{{b}}</ref>c<ref name=y />d<!-- e -->f<br>g <math>x<y</math>h': "acdf\ng h",
    "<nowiki>[[raw]]</nowiki> a < b <unknown> <B>c</b>": "[[raw]] a < b <unknown> c",
    "[http://a.b text here] [ftp://c] http://d __TOC__e _f_ [1]": "text here  http://d e _f_ [1]",
    "#REDIRECT [[Other page]]": "",
    "{{never closed [[a|b]] \n\n\n\nc": "never closed b\n\nc",
    "}} ]] |} x <ref>open <!-- open": "}} ]] |} x open <!-- open",
    "héllo [[Datei:ü.png|ä]]‘‘wörld’’": "héllo ‘‘wörld’’",
}


@pytest.mark.parametrize("text", WIKI)
def test_wiki_markup_leaves_plain_text(text: str) -> None:
    assert normal(text, Normalisation(markup="wiki")) == WIKI[text]


def test_endless_markup_costs_no_more_than_its_length() -> None:
    texts = [sign * 200_000 for sign in ("{{", "[[", "<!--", "<ref>", "[http://a ", "{|\n", "=\n")]
    whole = normalise(pa.array([*texts, None]), Normalisation(markup="wiki")).texts
    assert whole[-1].as_py() is None
    assert len(whole) == len(texts) + 1


def test_notes_of_records_and_of_texts_are_told() -> None:
    rows = [
        {"text": "schÃ¶n", "notes": "repeated_name"},
        {"text": "sch&ouml;n, schÃ¶n"},
        {"text": "schön", "notes": "lossy_key"},
        {"text": "schön"},
    ]
    full = [{"source": "a", "position": n, **row} for n, row in enumerate(rows)]
    judge = Judge((), Identifier("none"), (), LineRules((), 5), tuple(SCHEMA.names))
    [judged] = judge([pa.RecordBatch.from_pylist(full, schema=SCHEMA)])
    assert judged["notes"].to_pylist() == [
        "repeated_name repaired_encoding",
        "html_remains repaired_encoding",
        "lossy_key",
        None,
    ]
    assert len(set(judged["_content"].to_pylist())) == 2
