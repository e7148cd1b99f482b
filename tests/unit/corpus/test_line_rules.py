"""C4's rules by line against C4's own procedure, line after line."""

import random
import re

import numpy as np
import pyarrow as pa

from pipelines.corpus.line_rules import LineRules, has_stops

ALL = ("javascript", "policy", "terminal", "short", "citation")
POLICIES = (
    "terms of use", "privacy policy", "cookie policy", "uses cookies", "use of cookies",
    "use cookies",
)  # fmt: skip
PIECES = [
    "the quick brown fox jumps over it", "enable javascript", "Privacy Policy", "terms of use",
    "we use cookies", "Menu", "short one", "cited[1]", "[edit]", "[citation needed]",
    "and [23] more", "so he said",
]  # fmt: skip
ENDS = [".", "!", "?", '"', "...", "", ",", " …", "”", "。"]


def expected(text: str, min_words: int) -> tuple[str, int]:
    """Return a text after the rules by line of C4's code, and how many lines were removed."""
    text = re.sub(r"\[\d*\]|\[edit\]|\[citation needed\]", "", text)
    kept, removed = [], 0
    for line in (line.rstrip() for line in text.split("\n")):
        lower, words = line.lower(), re.findall(r"\w+", line)
        is_ended = line.endswith((".", "!", "?", '"', "”", "。")) and not line.endswith("...")
        if line and (
            "javascript" in lower
            or any(phrase in lower for phrase in POLICIES)
            or not is_ended
            or len(words) < min_words
        ):
            removed += 1
        else:
            kept.append(line)
    joined = "\n".join(kept)
    return (re.sub(r"\n{3,}", "\n\n", joined) if removed else joined).strip(), removed


def text_of(draw: random.Random) -> str:
    lines = [
        " ".join(draw.choices(PIECES, k=draw.randint(1, 3))) + draw.choice(ENDS)
        if draw.random() < 0.6
        else ""
        for _ in range(draw.randint(0, 16))
    ]
    return "\n".join(lines).strip()


def test_lines_go_as_by_c4s_code() -> None:
    draw = random.Random(3)  # noqa: S311
    texts = [text_of(draw) for _ in range(400)]
    found = LineRules(ALL, 5)(pa.array(["", *texts]).slice(1), np.ones(400, np.bool_))
    pairs = zip(found.texts.to_pylist(), found.removed.tolist(), strict=True)
    assert list(pairs) == [expected(text, 5) for text in texts]
    assert any(re.search("[^\n]\n\n\n", text) for text in texts)
    assert sum(found.by_rule.values()) >= found.removed.sum() > 400


def test_each_rule_removes_alone_and_counts_its_lines() -> None:
    lines = [
        *("Enable JavaScript here, all of you.", "Our privacy policy is a long one."),
        *("no stop here at all", "Menu.", "", "It is [1] good as it stands."),
    ]
    text = "\n".join(lines)
    texts = pa.array([text, "untouched"])
    stops = np.array([True, False])
    for n, name in enumerate(ALL[:4]):
        found = LineRules((name,), 5)(texts, stops)
        kept = [line for place, line in enumerate(lines) if place != n]
        expected_text = "\n".join(kept).strip()
        assert found.texts[0].as_py() == expected_text
        assert found.by_rule[name] == 1 + (name == "short")
    assert LineRules(("citation",), 5)(texts, stops).texts[0].as_py() == text.replace("[1]", "")
    assert LineRules(("terminal",), 5)(texts, stops).texts[1].as_py() == "untouched"
    assert [has_stops(code) for code in ("en", "th", "lo", "und")] == [True, False, False, True]
    assert LineRules((), 5)(texts, stops).texts is texts
