"""Records to judged documents, a batch at a time in the worker: ids, text, signals, reasons."""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyspark.sql.pandas.types import from_arrow_schema
from pyspark.sql.types import StructType

from pipelines.arrays.offsets import offsets_of
from pipelines.arrays.reasons import REASON
from pipelines.corpus.languages.identifying import Identifier
from pipelines.corpus.line_rules import REMOVING, LineRules, has_stops
from pipelines.corpus.normalising.choices import AS_USUAL, Normalisation
from pipelines.corpus.normalising.normalise import Normalised, normalise
from pipelines.corpus.rules import Rule
from pipelines.corpus.signals.formulas import SIGNALS, Values
from pipelines.corpus.signals.lexicon import lexicon
from pipelines.corpus.signals.measuring import Measures, measure

STORED_SIGNALS = {"character_count": pa.int32(), "word_count": pa.int32()} | dict.fromkeys(
    ("mean_word_length", "alphabetic_word_share", "symbol_word_ratio", "duplicate_line_share"),
    pa.float64(),
)
"""The signals that tables have, with their types."""

_BLANKLESS = 0.2  # share of scripts without blanks from which on their letters are no words
_OF_WORDS = frozenset(
    {"mean_word_length", *(f"duplicate_{n}_gram_character_share" for n in range(5, 11))}
)
"""Signals that are judged only where words are parted by blanks: five letters in a row come again
and again in any text."""
_GIVEN = frozenset({"source", "position", "text", "id", "record", "problem", "notes"})


Broken = tuple[str, str, NDArray[np.bool_], NDArray[Any]]
"""A rule's name and threshold, the documents that break it, and what was measured of all."""


@dataclass(frozen=True)
class Spoken:
    """The languages of the documents of a batch.

    Args:
        codes: Each language once.
        places: Place in `codes` by document, int64.
        tables: Table of the lexicon by document, int64; 0 where its language has none.
    """

    codes: list[str]
    places: NDArray[np.int64]
    tables: NDArray[np.int64]

    @classmethod
    def of(cls, codes: pa.StringArray, *, is_told: bool) -> Self:
        """Return the languages; the words of a language that nobody told are English."""
        each = pc.dictionary_encode(codes)
        names = each.dictionary.to_pylist()
        tables = np.array([lexicon().tables.get(n if is_told else "en", 0) for n in names], int)
        places = each.indices.to_numpy().astype(np.int64)
        return cls(names, places, tables[places])

    @property
    def values(self) -> NDArray[Any]:
        """Code by document."""
        return np.array(self.codes, object)[self.places]

    def where(self, is_wanted: Callable[[str], bool]) -> NDArray[np.bool_]:
        """Tell of each document whether its language is wanted."""
        return np.array([is_wanted(code) for code in self.codes], np.bool_)[self.places]


@dataclass(frozen=True)
class Judge:
    """Judges batches of records; it is sent to tasks.

    Args:
        rules: The rules.
        identifier: What tells languages.
        languages: Languages that are kept; all where there are none.
        line_rules: What removes lines of normalised texts before signals are measured.
        columns: Columns of the records: `source, position, text, record, problem, notes`, `id`
            where the input has ids, and the user's own.
        normalisation: How texts are repaired and normalised before all else.
    """

    rules: tuple[Rule, ...]
    identifier: Identifier
    languages: tuple[str, ...]
    line_rules: LineRules
    columns: tuple[str, ...]
    normalisation: Normalisation = AS_USUAL

    @cached_property
    def own(self) -> list[str]:
        """The user's own columns."""
        return [name for name in self.columns if name not in _GIVEN]

    @cached_property
    def schema(self) -> pa.Schema:
        """Schema of judged documents.

        `reasons` has every broken rule, in the order of the rules; `_content` and `_other_content`
        are a hash of the text up to white space and case; `problem` is the record's, and so are
        `notes`, to which the text's are added (`choices.TEXT_NOTES`).
        The text of a rejected document still has the lines that line rules removed; its signals are
        of the text without them. `_removed_lines` is, in the first row of a batch, how many lines
        each of `REMOVING` removed; `_records` how many records came, and 0 in the others.
        """
        text, number = pa.string(), pa.int64()
        columns = [("doc_id", text), ("source", text), ("position", number), ("text", text)]
        columns += [("language", text), ("language_score", pa.float64())]
        columns += [("removed_line_count", pa.int32()), *STORED_SIGNALS.items()]
        columns += [("reasons", pa.list_(REASON)), ("_content", number), ("_other_content", number)]
        columns += [("problem", text), ("notes", text)]
        columns += [("_removed_lines", pa.list_(pa.int64())), ("_records", pa.int32())]
        return pa.schema([*columns, *((name, text) for name in self.own)])

    @property
    def spark_schema(self) -> StructType:
        """The same schema as Spark's."""
        return from_arrow_schema(self.schema)

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Judge batches of records; a record is never dropped."""
        for batch in batches:
            if len(batch):
                yield self._judged(batch)

    def _judged(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        text, count = batch["text"], len(batch)
        problem = pc.coalesce(batch["problem"], pc.if_else(text.is_null(), "has_text", None))
        if text.null_count:
            text = pc.coalesce(text, batch["record"], "")
        normal = normalise(text, self.normalisation)
        text = normal.texts
        language = self.identifier(text)
        spoken = Spoken.of(language.codes, is_told=self.identifier.detector is not None)
        trimmed = self.line_rules(text, spoken.where(has_stops))
        measures = measure(trimmed.texts, spoken.tables)
        signals = {name: SIGNALS[name].of(measures) for name in self._signals}
        reasons = _reasons(problem, self._broken(signals, spoken))
        is_kept = pc.equal(pc.list_value_length(reasons), 0)
        found = {"doc_id": _ids(batch), "problem": problem, "reasons": reasons}
        found["notes"] = _with_notes(batch["notes"], normal)
        found["text"] = pc.if_else(is_kept, trimmed.texts, text)
        found |= {"language": language.codes, "language_score": language.scores}
        found["removed_line_count"] = pa.array(trimmed.removed)
        found |= {name: pa.array(signals[name]).cast(kind) for name, kind in STORED_SIGNALS.items()}
        found["_content"], found["_other_content"] = _halves(measures)
        removed = [trimmed.by_rule[name] for name in REMOVING]
        found["_removed_lines"] = pa.array([removed, *[None] * (count - 1)], pa.list_(pa.int64()))
        records = np.zeros(count, np.int32)
        records[0] = count
        found["_records"] = pa.array(records)
        columns = [found[n] if n in found else batch[n] for n in self.schema.names]
        return pa.RecordBatch.from_arrays(columns, schema=self.schema)

    @cached_property
    def _signals(self) -> list[str]:
        """Signals that are stored or judged."""
        judged = {rule.signal for rule in self.rules}
        return [n for n in SIGNALS if n in STORED_SIGNALS or n in judged or n == "blankless_share"]

    def _broken(self, signals: dict[str, Values], spoken: Spoken) -> Iterator[Broken]:
        """Yield the documents that break each rule."""
        if self.languages:
            is_other = ~spoken.where(lambda code: code in self.languages)
            yield "language", f"in {', '.join(self.languages)}", is_other, spoken.values
        for rule in self.rules:
            values = signals[rule.signal]
            broken = values < rule.bound if rule.is_least else values > rule.bound
            if rule.language is not None or rule.others:
                broken &= spoken.where(rule.judges)
            if rule.signal in _OF_WORDS:
                broken &= signals["blankless_share"] < _BLANKLESS
            elif rule.signal == "stop_word_count":
                broken &= spoken.tables > 0
            yield rule.name, rule.threshold, broken, values


def _with_notes(notes: pa.Array, normal: Normalised) -> pa.Array:
    """Add what was changed in texts to the notes of records."""
    for name, is_changed in normal.notes.items():
        if is_changed.any():
            more = pc.if_else(pa.array(is_changed), name, None)
            both = pc.binary_join_element_wise(notes, more, " ")
            notes = pc.coalesce(both, notes, more)
    return notes


def _ids(batch: pa.RecordBatch) -> pa.Array:
    """Return the ids of records; of those without, or with a blank one, a hash of their place."""
    given = pa.nulls(len(batch), pa.string())
    if "id" in batch.schema.names:
        given = pc.if_else(pc.match_substring_regex(batch["id"], r"\S"), batch["id"], None)
    missing = given.is_null()
    if not pc.any(missing).as_py():
        return given
    places = batch.select(["source", "position"]).filter(missing)
    pairs = zip(places["source"].to_pylist(), places["position"].to_pylist(), strict=True)
    made = [_place_id(source, position) for source, position in pairs]
    return pc.replace_with_mask(given, missing, pa.array(made, pa.string()))


def _place_id(source: str, position: int) -> str:
    return hashlib.md5(f"{source}\x01{position}".encode(), usedforsecurity=False).hexdigest()


def _halves(measures: Measures) -> tuple[pa.Array, pa.Array]:
    one, other = measures.contents.view(np.int64).T
    return pa.array(np.ascontiguousarray(one)), pa.array(np.ascontiguousarray(other))


def _reasons(problem: Any, verdicts: Iterable[Broken]) -> pa.ListArray:
    """Return the broken rules of each document, with the value measured and the threshold.

    A record that had a problem (not UTF-8, not JSON, no text) has that one as its only reason.
    """
    is_sound = problem.is_null().to_numpy(zero_copy_only=False)
    rows, entries = [np.flatnonzero(~is_sound)], []
    entries.append(
        pa.array([(name, None, None) for name in problem.drop_null().to_pylist()], REASON)
    )
    for name, threshold, is_broken, values in verdicts:
        broken = np.flatnonzero(is_sound & is_broken)
        told = [(name, str(value), threshold) for value in values[broken].tolist()]
        rows.append(broken)
        entries.append(pa.array(told, REASON))
    all_rows = np.concatenate(rows)
    order = np.argsort(all_rows, kind="stable")
    offsets = offsets_of(np.bincount(all_rows, minlength=len(problem))).astype(np.int32)
    return pa.ListArray.from_arrays(
        pa.array(offsets), pa.concat_arrays(entries).take(pa.array(order))
    )
