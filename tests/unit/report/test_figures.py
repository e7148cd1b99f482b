"""The report's figures: points counted in the SVG, labels that keep apart."""

import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from pipelines.report.figures import (
    draw_curve,
    draw_frequencies,
    draw_histogram,
    draw_map,
    join_buckets,
    place_labels,
    shorten,
)
from pipelines.report.projection import project

XLINK = 'xmlns:xlink="http://www.w3.org/1999/xlink"'


def parse(svg: str) -> ET.Element:
    return ET.fromstring(svg.replace("<svg ", f"<svg {XLINK} ", 1))  # noqa: S314  (our own text)


def points(svg: str, name: str) -> int:
    group = next(e for e in parse(svg).iter("g") if e.get("id") == f"{name}-points")
    return len(list(group.iter("use")))


def test_one_point_for_each_rank() -> None:
    ranks = np.unique(np.rint(np.geomspace(1, 5000, 200)).astype(np.int64))
    svg = draw_frequencies(ranks, 100_000 // ranks)
    assert points(svg, "frequencies") == len(ranks)
    texts = {e.text for e in parse(svg).iter("text")}
    assert {"1", "10", "100", "1,000", "rank of the token", "occurrences"} <= texts


def test_one_point_for_each_round() -> None:
    svg = draw_curve(range(1, 13), np.linspace(3, 1, 12), name="c7", metric="$x$ & <y>")
    assert points(svg, "c7") == 12
    assert "$x$ & <y>" in {e.text for e in parse(svg).iter("text")}


def test_one_point_for_each_word_and_labels_as_many_as_said() -> None:
    places = np.random.default_rng(1).uniform(size=(120, 2))
    words = [f"<{i}>" for i in range(118)] + ["日本", "$a$"]
    svg, shown = draw_map(places, words)
    assert points(svg, "map") == 120
    labels = [e.text for e in parse(svg).iter("text")]
    assert len(labels) == shown
    assert set(labels) <= set(words)
    assert labels[0] == "<0>"  # the most frequent word has its label in any case


def test_labels_do_not_overlap() -> None:
    rng = np.random.default_rng(2)
    dots, sizes = rng.uniform(0, 300, (200, 2)), rng.uniform((10, 8), (60, 12), (200, 2))
    placed = [
        (x, y, x + sizes[i, 0], y + sizes[i, 1])
        for i, (x, y) in place_labels(dots, sizes, (300, 300))
    ]
    assert 20 < len(placed) < 200
    for i, a in enumerate(placed):
        assert min(a) >= 0
        assert max(a) <= 300
        for b in placed[:i]:
            assert a[0] >= b[2] or b[0] >= a[2] or a[1] >= b[3] or b[1] >= a[3]


def test_words_on_one_spot_keep_four_labels() -> None:
    labels = list(place_labels(np.full((9, 2), 50.0), np.full((9, 2), (20.0, 6.0)), (100, 100)))
    assert [at for at, _ in labels] == [0, 1, 2, 3]


@pytest.mark.parametrize(("rows", "bars"), [(0, 10), (100, 20), (2_000, 50), (1_000_000, 200)])
def test_few_rows_make_few_bars(rows: int, bars: int) -> None:
    counts = np.bincount(np.arange(rows) % 200, minlength=200)
    joined = join_buckets(counts)
    assert len(joined) == bars
    assert joined.sum() == rows


def test_a_histogram_names_its_entity() -> None:
    svg = draw_histogram(np.arange(200), 0.5, 2.5, name="n0", entity="user")
    assert "norm of the user vector" in {e.text for e in parse(svg).iter("text")}


def test_figures_are_the_same_every_time() -> None:
    def draw() -> str:
        return draw_histogram(np.arange(200), 0.5, 2.5, name="n0", entity="user")

    assert draw() == draw()
    assert not re.search(r"<metadata|<style|https?://", draw())


def test_long_and_unprintable_labels_are_tamed() -> None:
    assert shorten("a\nb\x00") == "a b "
    assert shorten("x" * 40) == "x" * 23 + "…"


def test_similar_vectors_lie_together() -> None:
    rng = np.random.default_rng(5)
    centres = np.eye(3, 20) * 10
    group = np.repeat(np.arange(3), 20)
    vectors = (centres[group] + rng.normal(size=(60, 20)) * 0.5) * 10.0 ** rng.uniform(
        -3, 3, (60, 1)
    )
    places = project(vectors, seed=4)
    assert places.min() == 0
    assert places.max() == 1
    apart = np.linalg.norm(places[:, None] - places[None], axis=2)
    np.fill_diagonal(apart, np.inf)
    assert (group[apart.argmin(axis=1)] == group).mean() > 0.95
    np.testing.assert_array_equal(places, project(vectors, seed=4))
