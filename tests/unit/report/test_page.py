"""The report's page: parsed as a browser would, against the facts it was given."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

from pipelines.report.facts import (
    Curve,
    Facts,
    Frequencies,
    Histogram,
    JobCounts,
    Listing,
    WordMap,
)
from pipelines.report.page import SECTIONS, render, show_number, show_share

HOSTILE = "<script>alert(1)</script>"
VOID = {"meta", "br", "hr", "img", "link", "input"}


class Page(HTMLParser):
    """Collects elements and text, and fails where tags do not nest."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open, self.elements, self.texts = [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.texts.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.texts))


def metric(status: str, name: str, value: float | None = None) -> dict:
    return {
        "space_id": "word-1",
        "job": "validate_vectors",
        "entity": "word",
        "metric": name,
        "value": value,
        "expectation": "expect_it",
        "status": status,
        "detail": f"why {name}",
    }


@pytest.fixture(scope="module")
def facts() -> Facts:
    rng = np.random.default_rng(3)
    space = {
        "space_id": "word-1",
        "name": "word",
        "state": "published",
        "dimension": 5,
        "metric": "cosine",
        "is_normalized": False,
        "parents": [],
        "parameters": '{"vector_size": 5, "window_size": 7}',
        "input_versions": '{"sentences": "aa11"}',
        "config_hash": "cf01",
        "code_version": "0.9.9",
        "seed": 42,
        "row_count": 1234567,
        "checksum": "5eed",
        "published_to": "tables/word_vectors",
        "updated_at": "2026-01-02 03:04:05",
    }
    return Facts(
        counts=[
            JobCounts(
                "clean_corpus",
                {"corpus": 4321},
                {"documents": 4300, "rejected": 21},
                {"word_count": 19, "symbol_word_ratio": 3},
                {},
            )
        ],
        frequencies=Frequencies(np.array([1, 2, 9]), np.array([900, 450, 8]), 9, 2468),
        curves=[
            Curve("word-1", "loss", [1, 2, 3], [3.0, 2.0, 1.5]),
            Curve("word-1", "seconds", [3], [41.25]),
        ],
        histograms=[Histogram("word-1", "word", 0.5, 2.5, np.full(200, 6), 0)],
        word_map=WordMap(
            "word-1", [HOSTILE, *(f"word{i}" for i in range(11))], rng.normal(size=(12, 5))
        ),
        neighbours=[
            Listing("word-1", "word", HOSTILE, [("b&b", 0.875), ("<i>", 0.5)]),
            Listing("als-1", "item", "item 7", [("item 8", 0.25)]),
        ],
        recommendations=[Listing("als-1", "user", "user 5", [("item 9", 1.5)])],
        metrics=[
            metric("failed", "zero_vectors", 3.0),
            metric("passed", "rows", 1234.0),
            metric("measured", "wordsim_353", 0.62134),
        ],
        spaces=[space],
        trials=[
            {
                "trial": 1,
                "rank": 32,
                "reg_param": 0.001,
                "unobserved_weight": 0.0725,
                "iteration": 4,
                "recall": 0.1125,
                "ndcg": 0.0875,
                "is_best": False,
            },
            {
                "trial": 2,
                "rank": 64,
                "reg_param": 0.003,
                "unobserved_weight": 0.1,
                "iteration": 6,
                "recall": 0.1375,
                "ndcg": 0.0975,
                "is_best": True,
            },
        ],
        other_spaces={"superseded": 2},
    )


def build(facts: Facts, missing: dict | None = None) -> str:
    return render(
        facts,
        title=f"Title {HOSTILE}",
        missing=missing or {},
        versions={"vocabulary": "v77"},
        seed=1,
    )


@pytest.fixture(scope="module")
def page(facts: Facts) -> Page:
    return Page(build(facts))


def test_it_is_self_contained(page: Page) -> None:
    tags = {tag for tag, _ in page.elements}
    assert not tags & {"script", "link", "iframe", "object", "i"}
    for _, attributes in page.elements:
        for name in ("src", "href", "xlink:href", "data"):
            assert (attributes.get(name) or "#").startswith("#")
        assert not [name for name in attributes if name.startswith("on")]


def test_nothing_is_loaded_from_elsewhere(facts: Facts) -> None:
    text = build(facts)
    assert "http" not in text
    assert "@import" not in text
    assert re.findall(r"url\((?!#)", text) == []


def test_contents_lead_to_every_section(page: Page) -> None:
    links = [a["href"].removeprefix("#") for tag, a in page.elements if tag == "a"]
    assert links == [section.anchor for section in SECTIONS]
    headings = [a["id"] for tag, a in page.elements if tag == "h2"]
    assert headings == links


def test_ids_are_unique(page: Page) -> None:
    ids = [a["id"] for _, a in page.elements if "id" in a]
    assert len(ids) == len(set(ids))
    known = {f"#{name}" for name in ids}
    assert {a["xlink:href"] for _, a in page.elements if "xlink:href" in a} <= known


def test_hostile_text_is_shown_as_text(page: Page) -> None:
    assert page.text.count(HOSTILE) >= 2  # the title and a query; the map cuts its label
    assert "b&b" in page.text
    assert "<i>" in page.text


@pytest.mark.parametrize(
    "shown",
    [
        "4,321",
        "4,300",
        "21",
        "word_count 19 0.4 %",
        "symbol_word_ratio 3 < 0.1 %",
        "9 tokens with 2,468 occurrences",
        "round 3: 1.5",
        "41.25",
        "1,200 word vectors",
        "the 12 most frequent words",
        "b&b 0.88",
        "item 8 0.25",
        "item 9 1.50",
        "zero_vectors word 3 expect_it why zero_vectors",
        "rows word 1,234 expect_it why rows",
        "wordsim_353 word 0.62134 why wordsim_353",
        "1 of 2 checks did not pass",
        "1,234,567 of 5",
        "window_size 7",
        "aa11",
        "cf01",
        "0.9.9",
        "seed 42",
        "5eed",
        "tables/word_vectors",
        "2026-01-02 03:04:05 UTC",
        "2 superseded",
        "v77",
    ],
)
def test_every_given_value_is_shown(page: Page, shown: str) -> None:
    assert shown in page.text


def test_each_figure_is_drawn(page: Page) -> None:
    drawn = [a["aria-label"] for tag, a in page.elements if tag == "svg"]
    assert len(drawn) == 5


def test_checks_stand_under_their_space(facts: Facts) -> None:
    other = {**metric("passed", "norm_spread"), "space_id": "als-9"}
    text = Page(build(replace(facts, metrics=[*(facts.metrics or []), other]))).text
    gate = text[text.rindex("Gate") : text.rindex("Measures")]
    assert gate.index("als-9") < gate.index("norm_spread") < gate.index("word-1")
    assert gate.index("word-1") < gate.index("zero_vectors") < gate.index("rows")


def test_measures_are_apart_from_checks(page: Page) -> None:
    before, measures = page.text.rsplit("Measures", 1)
    assert "wordsim_353" not in before
    assert "zero_vectors" not in measures


def test_missing_inputs_are_said() -> None:
    missing = {"vocabulary": None, "run_counts": "data/<b>", "neighbours": None}
    page = Page(build(Facts(), missing))
    assert "Left out: inputs.vocabulary is not set." in page.text
    assert "Left out: there is no table at data/<b>; set inputs.run_counts" in page.text
    assert page.text.count("Left out") == 5  # vocabulary and neighbours leave out two sections each
    assert page.text.count("Nothing to show") == len(SECTIONS) - 5


def test_users_neighbours_may_lie_in_either_table(facts: Facts) -> None:
    assert "Left out" not in Page(build(facts, {"recommender_neighbours": None})).text


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "n/a"),
        (0, "0"),
        (1234567, "1,234,567"),
        (1234.0, "1,234"),
        (0.6213449, "0.62134"),
        (425497.31, "425,497.3"),
        (float("nan"), "nan"),
        (float("inf"), "inf"),
        (-0.25, "-0.25"),
    ],
)
def test_numbers(value: float | None, shown: str) -> None:
    assert show_number(value) == shown


def test_a_small_share_is_not_none() -> None:
    assert [show_share(n, 10_000) for n in (0, 1, 10, 10_000)] == [
        "0.0 %",
        "< 0.1 %",
        "0.1 %",
        "100.0 %",
    ]
