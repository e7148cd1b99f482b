"""The HTML page, one self-contained text, from the `Facts`."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from itertools import groupby
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from pipelines import __version__
from pipelines.report import figures
from pipelines.report.facts import Curve, Facts, Listing, WordMap
from pipelines.report.projection import FEWEST, project
from pipelines.report.summary import summarise

_MEASURES = {"ndcg": "NDCG", "recall": "Recall"}
_WHOLE = 1e15  # floats from here on are not shown as whole numbers


@dataclass(frozen=True)
class Plate:
    """A figure with its caption."""

    svg: Markup
    caption: str


@dataclass(frozen=True)
class Section:
    """A part of the page, and the inputs that it shows."""

    anchor: str
    title: str
    inputs: tuple[str, ...]


SECTIONS = (
    Section("cleaning", "Rows in, out and rejected", ("run_counts",)),
    Section("rejections", "Rejected, and why", ("rejected_documents",)),
    Section("frequencies", "Token frequencies", ("vocabulary",)),
    Section("training", "Training", ("training_history",)),
    Section("tuning", "Search for settings", ("tuning_results",)),
    Section("norms", "Norms", ("word_vectors", "recommender_vectors")),
    Section("map", "Map of frequent words", ("word_vectors", "vocabulary")),
    Section("words", "Neighbours of words", ("neighbours",)),
    Section("recommendations", "Recommendations", ("recommendations",)),
    Section("similar", "Similar items and users", ("neighbours", "recommender_neighbours")),
    Section("gate", "Gate", ("quality_metrics",)),
    Section("measures", "Measures", ("quality_metrics",)),
    Section("manifest", "Manifest", ("embedding_spaces",)),
)


def render(
    facts: Facts,
    *,
    title: str,
    missing: Mapping[str, str | None],
    versions: Mapping[str, str],
    seed: int,
) -> str:
    """Return the page.

    Args:
        facts: What it shows.
        title: Its heading.
        missing: Inputs without a table, by name, with their URI; None where not set.
        versions: Versions of the inputs that were read.
        seed: Seed of the map.
    """
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters.update(number=show_number, share=show_share, fields=read_fields)
    source = files("pipelines.report").joinpath("page.html.j2").read_text(encoding="utf-8")
    metrics = facts.metrics or []
    lists = facts.neighbours or []
    return environment.from_string(source).render(
        title=title,
        sections=SECTIONS,
        facts=facts,
        summary=summarise(facts),
        absent={section.anchor: absences(section, missing) for section in SECTIONS},
        frequency_plate=_frequency_plate(facts),
        curve_plates=_curve_plates(facts.curves or []),
        single_measures=[curve for curve in facts.curves or [] if len(curve.rounds) == 1],
        trial_plate=_trial_plate(facts),
        norm_plates=_norm_plates(facts),
        map_plate=_map_plate(facts.word_map, seed),
        words=[x for x in lists if x.entity in ("word", "document")],
        similar=group_lists([x for x in lists if x.entity in ("item", "user")]),
        checks=[row for row in metrics if row["status"] != "measured"],
        measures=[row for row in metrics if row["status"] == "measured"],
        versions=dict(versions),
        code_version=__version__,
    )


def absences(section: Section, missing: Mapping[str, str | None]) -> list[str]:
    """Return a line for each missing input of a section."""
    is_in_another = section.anchor == "similar" and "neighbours" not in missing
    wanted = [name for name in section.inputs if name in missing and not is_in_another]
    return [_absence(name, missing[name]) for name in wanted]


def _absence(name: str, uri: str | None) -> str:
    if uri is None:
        return f"Left out: inputs.{name} is not set."
    return f"Left out: there is no table at {uri}; set inputs.{name} to where it is."


def show_number(value: float | int | None) -> str:
    """Format a number: thousands separated, whole numbers whole, others to five digits."""
    if value is None:
        return "n/a"
    if isinstance(value, int) or (value == value // 1 and abs(value) < _WHOLE):
        return f"{int(value):,}"
    return f"{value:,.1f}" if abs(value) >= 10_000 else f"{value:.5g}"  # noqa: PLR2004


def show_share(part: int, whole: int) -> str:
    """Format a share in percent to one digit; a smaller one as `< 0.1 %`."""
    percent = 100 * part / whole
    return "< 0.1 %" if 0 < percent < 0.1 else f"{percent:.1f} %"  # noqa: PLR2004


def read_fields(text: str) -> dict[str, str]:
    """Return the entries of a JSON object as text; any other text under the key `value`."""
    try:
        tree: Any = json.loads(text)
    except ValueError:
        tree = text
    if not isinstance(tree, dict):
        tree = {"value": tree}
    return {
        str(key): value if isinstance(value, str) else json.dumps(value)
        for key, value in tree.items()
    }


def group_lists(lists: Sequence[Listing]) -> dict[str, list[Listing]]:
    """Return lists by entity."""
    ordered = sorted(lists, key=lambda x: x.entity)
    return {entity: list(group) for entity, group in groupby(ordered, lambda x: x.entity)}


def _frequency_plate(facts: Facts) -> Plate | None:
    counted = facts.frequencies
    if counted is None:
        return None
    caption = (
        f"{counted.tokens:,} tokens with {counted.occurrences:,} occurrences; "
        f"{len(counted.ranks)} ranks are drawn."
    )
    return Plate(Markup(figures.draw_frequencies(counted.ranks, counted.counts)), caption)  # noqa: S704


def _curve_plates(curves: Sequence[Curve]) -> list[Plate]:
    plates = []
    for at, curve in enumerate(c for c in curves if len(c.rounds) > 1):
        svg = figures.draw_curve(curve.rounds, curve.values, name=f"curve{at}", metric=curve.metric)
        last = f"round {curve.rounds[-1]:,}: {show_number(curve.values[-1])}"
        plates.append(Plate(Markup(svg), f"{curve.space_id}: {curve.metric}; {last}"))  # noqa: S704
    return plates


def _trial_plate(facts: Facts) -> Plate | None:
    """Return the plot of each candidate's measure; None where no search is shown."""
    if not facts.trials:
        return None
    best = [row for row in facts.trials if row["is_best"]]
    ranks, values = ([row[n] for row in facts.trials] for n in ("rank", facts.trial_measure))
    shown = _MEASURES[facts.trial_measure]
    caption = f"{shown} of {len(ranks)} candidates, each after its best sweep."
    for row in best:
        caption += f" Best: number {row['trial']}, {show_number(row[facts.trial_measure])}."
    return Plate(Markup(figures.draw_trials(ranks, values, metric=shown)), caption)  # noqa: S704


def _norm_plates(facts: Facts) -> list[Plate]:
    plates = []
    for at, norms in enumerate(facts.histograms or []):
        svg = figures.draw_histogram(
            norms.counts, norms.low, norms.high, name=f"norms{at}", entity=norms.entity
        )
        caption = f"{norms.space_id}: {norms.rows:,} {norms.entity} vectors"
        if norms.not_finite:
            caption += f", {norms.not_finite:,} of them with a norm that is not finite"
        plates.append(Plate(Markup(svg), caption))  # noqa: S704
    return plates


def _map_plate(frequent: WordMap | None, seed: int) -> Plate | None:
    if frequent is None or len(frequent.words) < FEWEST:
        return None
    svg, shown = figures.draw_map(project(frequent.vectors, seed=seed), frequent.words)
    caption = (
        f"{frequent.space_id}: the {len(frequent.words):,} most frequent words by t-SNE over "
        f"cosine distances; {shown:,} have their label, the others lie too close to one that has."
    )
    return Plate(Markup(svg), caption)  # noqa: S704
