"""What a person sees of rejected documents: marked places, pieces of texts, a share of records."""

from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from pipelines.corpus.cleaning import judge_of
from pipelines.corpus.config import CleaningSettings
from pipelines.corpus.inspecting.marking import places
from pipelines.corpus.inspecting.showing import lines_of, marked
from pipelines.corpus.inspecting.trial import Sampled
from pipelines.corpus.rules import Rules


@pytest.mark.parametrize(
    ("rule", "text", "expected"),
    [
        ("c4.brace_count", "a { b {", ["{", "{"]),
        ("c4.lorem_ipsum_count", "Lorem Ipsum, lorem", ["Lorem Ipsum"]),
        ("gopher_quality.ellipsis_line_share", "so... on\nand...  \nyes…", ["...", "…"]),
        ("gopher_quality.bullet_line_share", "- a\n b - c\n  • d", ["- ", "  •"]),
        ("fineweb.short_line_share", "short\n" + "long " * 7, ["short"]),
        ("policy_line_share", "We use cookies. Privacy policy", ["use cookies", "Privacy policy"]),
        ("gopher_repetition.duplicate_line_share", "x y\nz\n\nx y\nx y", ["x y", "x y"]),
        ("duplicate_paragraph_share", "x\ny\n\nz\n\nx\ny", ["x\ny"]),
        ("gopher_repetition.top_2_gram_character_share", "a b c A b d", ["a b", "A b"]),
        ("duplicate_5_gram_character_share", "a b c d e f. a b c d e f", ["a b c d e f"] * 2),
        ("gopher_quality.word_count", "a b", []),
        ("a_rule_of_ones_own", "a b", []),
    ],
)
def test_places_are_what_the_rule_is_about(rule: str, text: str, expected: list[str]) -> None:
    found = [text[first:end] for first, end in places(text, rule)]
    assert [each.strip() for each in found] == [each.strip() for each in expected]


def test_every_rule_has_places_or_none() -> None:
    for signal in Rules.model_fields:
        found = places("One # two... {lorem ipsum}\n\n- a\n" * 3, signal)
        assert found == sorted(found)
        assert all(end <= start for (_, end), (start, _) in pairwise(found))


def test_a_piece_of_a_text_holds_the_first_mark_and_says_what_is_left_out() -> None:
    assert marked("a { b", [(2, 3)], 20) == "a ⟦{⟧ b"
    text = "x" * 100 + "{" + "y" * 100
    shown = marked(text, [(100, 101)], 40)
    assert shown == "… " + "x" * 10 + "⟦{⟧" + "y" * 29 + " … 71 more characters"
    assert marked(text, [], 20) == "x" * 20 + " … 181 more characters"


def test_a_document_is_shown_with_all_its_reasons() -> None:
    reasons = [("word_count", "2", ">= 5"), ("c4.brace_count", "1", "<= 0")]
    fields = ("rule", "value", "threshold")
    document: dict[str, Any] = {
        "doc_id": "one", "source": "a.jsonl", "position": 3, "text": "a {",
        "reasons": [dict(zip(fields, reason, strict=True)) for reason in reasons],
    }  # fmt: skip
    assert list(lines_of(document, rule="c4.brace_count", max_characters=50)) == [
        "one  (a.jsonl, record 3)",
        "  word_count: 2, kept >= 5",
        "  c4.brace_count: 1, kept <= 0",
        "  | a ⟦{⟧",
        "",
    ]
    broken = document | {"text": None, "reasons": [dict.fromkeys(fields) | {"rule": "is_json"}]}
    assert list(lines_of(broken, max_characters=50))[1:] == ["  is_json: rejected", ""]


def _records(count: int) -> pa.RecordBatch:
    rows = [("a" if n % 2 else "b", n // 2, "one two three four five six") for n in range(count)]
    source, position, text = (list(column) for column in zip(*rows, strict=True))
    nulls = pa.nulls(count, pa.string())
    columns = [pa.array(source), pa.array(position, pa.int64()), pa.array(text), *[nulls] * 3]
    names = ["source", "position", "text", "record", "problem", "notes"]
    return pa.RecordBatch.from_arrays(columns, names=names)


def _taken(records: pa.RecordBatch, share: float, step: int, seed: int = 7) -> set[tuple[str, int]]:
    judge = judge_of(CleaningSettings(language_detector="none"), records.schema.names)
    parts = [records.slice(first, step) for first in range(0, len(records), step)]
    rows = [row for batch in Sampled(judge, share, seed)(parts) for row in batch.to_pylist()]
    assert sum(row["_records"] for row in rows) == len(rows)
    return {(row["source"], row["position"]) for row in rows}


def test_a_share_of_the_records_is_the_same_whatever_the_splits() -> None:
    records = _records(4_000)
    tenth = _taken(records, 0.1, step=4_000)
    assert tenth == _taken(records, 0.1, step=7)
    assert tenth < _taken(records, 0.3, step=4_000)
    assert tenth != _taken(records, 0.1, step=4_000, seed=8)
    assert len(_taken(records, 1.0, step=4_000)) == 4_000
    # within five standard deviations of a binomial draw
    assert abs(len(tenth) - 400) < 5 * np.sqrt(4_000 * 0.1 * 0.9)
    assert len({position for _, position in tenth}) > 300  # files do not share their places
