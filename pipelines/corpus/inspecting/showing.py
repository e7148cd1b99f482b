"""Rejected documents as lines that a person reads: where from, why, and the text with its marks."""

from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pipelines.corpus.inspecting.config import InspectCorpusConfig
from pipelines.corpus.inspecting.counting import count_rules
from pipelines.corpus.inspecting.marking import Place, places
from pipelines.errors import ConfigError
from pipelines.results import JobResult

BEGIN, END = "⟦", "⟧"
"""Signs around a marked place."""
Piece = tuple[str, bool]
"""A part of a text, and whether it is a marked place."""
_BEFORE = 4  # the part of a shortened text that stands before the first mark: one in four
_COLUMNS = ("doc_id", "source", "position", "text", "reasons")


def of_rule(rejected: DataFrame, rule: str) -> DataFrame:
    """Return the documents that broke a rule.

    Args:
        rejected: Rows with `reasons`.
        rule: Its name in reasons.
    """
    return rejected.where(F.exists("reasons", lambda each: each["rule"] == rule))


def random_documents(rejected: DataFrame, count: int, *, seed: int) -> list[dict[str, Any]]:
    """Return documents chosen at random by the seed, whatever the order of rows.

    Args:
        rejected: Rows of `doc_id, source, position, text, reasons`.
        count: How many at most; they reach the driver.
        seed: Of the choice.
    """
    place = F.xxhash64("doc_id", F.lit(seed))
    rows = rejected.select(*_COLUMNS).orderBy(place, "doc_id").limit(count).collect()
    return [row.asDict(recursive=True) for row in rows]


def lines_of(
    document: dict[str, Any], *, rule: str | None = None, max_characters: int
) -> Iterator[str]:
    """Yield a document's place, each broken rule with value and threshold, and the text.

    Args:
        document: What `random_documents` returned.
        rule: The rule whose places are marked; the first broken one where it is not given.
        max_characters: Of the text.
    """
    yield f"{document['doc_id']}  ({document['source']}, record {document['position']})"
    reasons = document["reasons"]
    for reason in reasons:
        told = f"{reason['value']}, kept {reason['threshold']}" if reason["threshold"] else ""
        yield f"  {reason['rule']}: {told or 'rejected'}"
    text = document["text"] or ""
    shown = marked(text, places(text, rule or reasons[0]["rule"]), max_characters)
    yield from (f"  | {line}" for line in shown.splitlines())
    yield ""


def marked(text: str, found: list[Place], max_characters: int) -> str:
    """Return a part of a text, as `pieces` cuts it, with places between `BEGIN` and `END`."""
    parts = pieces(text, found, max_characters)
    return "".join(f"{BEGIN}{part}{END}" if is_place else part for part, is_place in parts)


def pieces(text: str, found: list[Place], max_characters: int) -> list[Piece]:
    """Return a part of a text by its places and what lies between, dots where it was cut.

    Args:
        text: The text.
        found: Places in order, none of which overlap.
        max_characters: Length of the part without dots; it holds the first place's beginning.
    """
    begin = 0
    if found and found[0][1] > max_characters:
        begin = max(0, min(found[0][0] - max_characters // _BEFORE, len(text) - max_characters))
    end = min(len(text), begin + max_characters)
    shown, at = [("… " if begin else "", False)], begin
    for first, behind in found:
        if first >= end:
            break
        cut = min(behind, end)
        shown += [(text[at:first], False), (text[first:cut], True)]
        at = cut
    left = f" … {len(text) - end:,} more characters" if end < len(text) else ""
    shown += [(text[at:end], False), (left, False)]
    return [piece for piece in shown if piece[0]]


def documents_with_pieces(
    rejected: DataFrame, count: int, *, seed: int, max_characters: int
) -> list[dict[str, Any]]:
    """Return random documents, with the pieces of their texts in place of `text`.

    The places are those of the first broken rule.

    Args:
        rejected: Rows of `rejected_documents`.
        count: How many at most.
        seed: Of the choice.
        max_characters: Of each text.
    """
    found = random_documents(rejected, count, seed=seed)
    for document in found:
        text = document.pop("text") or ""
        at = places(text, document["reasons"][0]["rule"])
        document["pieces"] = pieces(text, at, max_characters)
    return found


def inspect(rejected: DataFrame, config: InspectCorpusConfig) -> JobResult:
    """Return how many documents each rule rejected, and some of one rule as lines.

    Args:
        rejected: Rows of `rejected_documents`.
        config: The rule, how many documents, and how much of them.

    Raises:
        ConfigError: No document was rejected by the rule.
    """
    counts = {name: told.rejected for name, told in count_rules(rejected).items()}
    if config.rule is not None and config.rule not in counts:
        near = get_close_matches(config.rule, counts, n=1, cutoff=0.4)
        hint = f"did you mean {near[0]!r}?" if near else "no document is rejected"
        raise ConfigError(f"rule: {config.rule!r} rejected no document; {hint}")
    wanted = rejected if config.rule is None else of_rule(rejected, config.rule)
    found = random_documents(wanted, config.document_count, seed=config.seed)
    return JobResult(
        rejected=counts,
        lines=[
            line
            for document in found
            for line in lines_of(document, rule=config.rule, max_characters=config.max_characters)
        ],
    )
