"""The report's figures, drawn from arrays as SVG text for an HTML page."""

import re
import warnings
from collections.abc import Iterator, Sequence
from html import escape
from io import StringIO
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter

from pipelines.report.facts import Floats64, Integers

INK, GREY, BLUE, PALE = "#1c2733", "#5c6a78", "#1f5fa8", "#9dbfe3"
_STYLE: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "vectormill",
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "axes.edgecolor": "#b8c2cc",
    "axes.labelcolor": GREY,
    "text.color": INK,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e6eaee",
    "grid.linewidth": 0.8,
    "axes.axisbelow": True,
    "lines.linewidth": 1.8,
    "text.parse_math": False,
}
_CHART_SIZE = (5.4, 3.2)  # width and height in inches
_MAP_SIZE = (10.2, 8.2)  # width and height in inches
_LABEL_POINTS = 9.0  # font size of a label in points
_LONGEST_LABEL = 24  # most characters of a label
_COUNT = FuncFormatter(lambda value, _: f"{value:,.0f}")
_VALUE = FuncFormatter(lambda value, _: f"{value:,.0f}" if abs(value) >= 1e4 else f"{value:.6g}")  # noqa: PLR2004
_ID = re.compile(r'\bid="|url\(#|xlink:href="#')
_NO_METADATA = dict.fromkeys(("Creator", "Date", "Format", "Type"))  # same bytes in every run

Box = tuple[float, float, float, float]


def draw_frequencies(ranks: Integers, counts: Integers) -> str:
    """Draw counts by rank, both on log scales, and the line of Zipf's law."""
    with mpl.rc_context(_STYLE):
        figure, axes = _chart("rank of the token", "occurrences")
        zipf = counts[0] * ranks[0] / ranks
        axes.plot(
            ranks,
            np.maximum(zipf, counts.min() / 2),
            "--",
            color=GREY,
            linewidth=1,
            label="∝ 1 / rank",
        )
        axes.plot(ranks, counts, ".", color=BLUE, markersize=4, label="tokens", gid="points")
        axes.set(xscale="log", yscale="log")
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(_COUNT)
            axis.set_minor_formatter(NullFormatter())
        axes.legend(frameon=False)
        return _svg(figure, "frequencies", "Occurrences of tokens by rank, on log scales")


def draw_curve(rounds: Sequence[int], values: Sequence[float], *, name: str, metric: str) -> str:
    """Draw one measure by round of training.

    Args:
        rounds: Rounds, ascending.
        values: The measure at each.
        name: Unique on the page.
        metric: What was measured.
    """
    with mpl.rc_context(_STYLE):
        figure, axes = _chart("round", metric)
        axes.plot(rounds, values, color=BLUE, marker="o", markersize=3.5, gid="points")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.yaxis.set_major_formatter(_VALUE)
        return _svg(figure, name, f"{metric} by round of training")


def draw_trials(ranks: Sequence[int], values: Sequence[float], *, metric: str) -> str:
    """Draw a measure of each candidate of a search in their order, one shade per rank.

    Args:
        ranks: Rank of each candidate.
        values: The measure of each.
        metric: Name of the measure.
    """
    with mpl.rc_context(_STYLE):
        figure, axes = _chart("candidate", metric)
        numbers = np.arange(1, len(ranks) + 1)
        shades = dict(zip(sorted(set(ranks)), np.linspace(0.45, 1, len(set(ranks))), strict=True))
        for rank, shade in shades.items():
            own = np.array(ranks) == rank
            (dots,) = axes.plot(numbers[own], np.array(values)[own], "o", color=BLUE, markersize=5)
            dots.set(alpha=shade, label=f"rank {rank}", gid=f"rank{rank}")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.yaxis.set_major_formatter(_VALUE)
        axes.legend(frameon=False)
        return _svg(figure, "trials", f"{metric} of each candidate of the search")


def draw_histogram(counts: Integers, low: float, high: float, *, name: str, entity: str) -> str:
    """Draw a histogram of norms; the fewer rows, the wider the bars.

    Args:
        counts: Rows per bucket, buckets of equal width.
        low: Where the first bucket begins.
        high: Where the last one ends.
        name: Unique on the page.
        entity: Kind of vector.
    """
    bars = join_buckets(counts)
    with mpl.rc_context(_STYLE):
        figure, axes = _chart(f"norm of the {entity} vector", "vectors")
        edges = np.linspace(low, high, len(bars) + 1)
        axes.stairs(bars, edges, fill=True, color=PALE)
        axes.stairs(bars, edges, color=BLUE, linewidth=1)
        axes.set_ylim(bottom=0)
        axes.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=5))
        axes.yaxis.set_major_formatter(_COUNT)
        axes.xaxis.set_major_formatter(_VALUE)
        return _svg(figure, name, f"Histogram of the norms of {entity} vectors")


def join_buckets(counts: Integers) -> Integers:
    """Sum neighbouring buckets to at most max(10, 2 √n) bars for n rows."""
    most = max(10.0, 2 * float(np.sqrt(counts.sum())))  # bars
    joined = next((n for n in (1, 2, 4, 5, 10, 20) if len(counts) / n <= most), 20)
    joined = joined if len(counts) % joined == 0 else 1
    return np.asarray(counts.reshape(-1, joined).sum(axis=1))


def draw_map(places: Floats64, words: Sequence[str]) -> tuple[str, int]:
    """Draw words on a plane; a label that would cover an earlier one is left out.

    Args:
        places: Array `(words, 2)` from 0 to 1.
        words: Most frequent first, as earlier words get their labels first.

    Returns:
        The SVG text and the number of labels shown.
    """
    with mpl.rc_context(_STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing")  # the browser's fonts may have them
        figure = Figure(figsize=_MAP_SIZE)
        axes = figure.add_axes((0.01, 0.01, 0.98, 0.98), xlim=(-0.03, 1.08), ylim=(-0.03, 1.03))
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set_visible(False)
        axes.scatter(places[:, 0], places[:, 1], s=7, color=PALE, gid="points")
        labels = [shorten(word) for word in words]
        shown = list(place_labels(_pixels(axes, places), _sizes(figure, labels), figure.bbox.size))
        for at, (x, y) in shown:
            left, bottom = axes.transData.inverted().transform((x, y))
            axes.text(left, bottom, labels[at], fontsize=_LABEL_POINTS, va="baseline")
        return _svg(figure, "map", "Map of the most frequent words"), len(shown)


def shorten(word: str) -> str:
    """Return a label of one printable line, cut where it is long."""
    line = "".join(letter if letter.isprintable() else " " for letter in word)
    return line if len(line) <= _LONGEST_LABEL else f"{line[: _LONGEST_LABEL - 1]}…"


def place_labels(
    dots: Floats64, sizes: Floats64, bounds: Sequence[float]
) -> Iterator[tuple[int, tuple[float, float]]]:
    """Yield the index and lower left corner of each label that fits beside its dot.

    A label is tried right, left, above and below its dot. It fits where it overlaps no earlier
    label and lies within the figure.

    Args:
        dots: Array `(n, 2)` of pixels.
        sizes: Array `(n, 2)` of widths and heights in pixels.
        bounds: Width and height of the figure in pixels.
    """
    taken = np.empty((0, 4))
    for at, ((x, y), (width, height)) in enumerate(zip(dots, sizes, strict=True)):
        gap = 4.0
        for left, bottom in (
            (x + gap, y - height / 3),
            (x - gap - width, y - height / 3),
            (x - width / 2, y + gap),
            (x - width / 2, y - gap - height),
        ):
            box = np.array((left, bottom, left + width, bottom + height))
            is_inside = left >= 0 and bottom >= 0 and box[2] <= bounds[0] and box[3] <= bounds[1]
            apart = (
                (taken[:, 0] >= box[2])
                | (taken[:, 2] <= box[0])
                | (taken[:, 1] >= box[3])
                | (taken[:, 3] <= box[1])
            )
            if is_inside and apart.all():
                taken = np.vstack((taken, box))
                yield at, (float(left), float(bottom))
                break


def _pixels(axes: Axes, places: Floats64) -> Floats64:
    return np.asarray(axes.transData.transform(places))


def _sizes(figure: Figure, labels: Sequence[str]) -> Floats64:
    """Return each label's width and height in pixels, with a margin of one pixel."""
    canvas: Any = FigureCanvasAgg(figure)
    renderer = canvas.get_renderer()
    font = FontProperties(family="DejaVu Sans", size=_LABEL_POINTS)
    sizes = [renderer.get_text_width_height_descent(text, font, False)[:2] for text in labels]
    return np.array(sizes, dtype=np.float64).reshape(-1, 2) + 2


def _chart(x: str, y: str) -> tuple[Figure, Axes]:
    figure = Figure(figsize=_CHART_SIZE, layout="constrained")
    axes = figure.add_subplot()
    axes.set(xlabel=x, ylabel=y)
    return figure, axes


def _svg(figure: Figure, name: str, description: str) -> str:
    """Return a figure as SVG for use inside HTML, its ids made unique by the name."""
    stream = StringIO()
    metadata: dict[str, Any] = dict(_NO_METADATA)
    figure.savefig(stream, format="svg", metadata=metadata, transparent=True)
    text = stream.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<defs>\s*<style.*?</style>\s*</defs>", "", text, count=1, flags=re.DOTALL)
    text = re.sub(r"<[^>]+>", lambda tag: _ID.sub(rf"\g<0>{name}-", tag.group()), text)
    head, _, rest = text.partition(">")
    view = re.search(r'viewBox="[^"]*"', head)
    box = view.group() if view else ""
    return f'<svg {box} role="img" aria-label="{escape(description)}">{rest}'
