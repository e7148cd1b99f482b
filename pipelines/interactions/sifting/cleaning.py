"""The task that holds all sifted records, decides what needs them all, and writes the tables."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipelines.arrays.chunks import taken, whole
from pipelines.arrays.reasons import appended, no_reasons
from pipelines.interactions.config import EventSettings
from pipelines.interactions.packed.writing import write_tables
from pipelines.interactions.sifting.deciding import KEPT, REPEATED, Decision, decide, repeated_ids
from pipelines.interactions.sifting.held import Held, encoded, hold, judged_schema, read_in_order
from pipelines.interactions.sifting.place_ids import place_ids
from pipelines.interactions.sifting.rejecting import reasons_of
from pipelines.storage.task_files.pieces import Piece, PieceWriter
from schemas import EVENTS, REJECTED_EVENTS

_PART_ROWS = 1 << 18  # rejected rows at a time: Arrow's strings hold 2 GiB together
SAMPLES = 3  # rejected rows whose first reason a message shows


@dataclass
class Cleaned:
    """What a task tells the driver.

    Args:
        pieces: Files by table.
        reasons: Rejected records by rule.
        samples: First reasons of some rejected records: rule, value, threshold.
        kept: Kept events.
        times: Times of the first and the last of them, microseconds since 1970; empty where none
            has a time.
    """

    pieces: dict[str, list[Piece]]
    reasons: Counter[str]
    samples: list[dict[str, str | None]]
    kept: int
    times: tuple[int, ...]


@dataclass(frozen=True)
class PackedCleaning:
    """Cleans all records; it is sent to a task.

    Args:
        sound: Files of the plainly sound records, in the order of the input.
        judged: Files of the others, as Spark has judged them.
        schema: Columns of the sound records.
        own: The user's own columns.
        writers: Writers of the tables, by table.
        settings: Settings.
        has_ids: Whether any record brought an id.
    """

    sound: Sequence[str]
    judged: Sequence[str]
    schema: pa.Schema
    own: tuple[str, ...]
    writers: Mapping[str, PieceWriter]
    settings: EventSettings
    has_ids: bool

    def __call__(self, threads: int) -> Cleaned:
        """Decide on all records, and write the events and the rejected ones."""
        sound = read_in_order(self.sound, encoded(self.schema), threads)
        judged = read_in_order(self.judged, judged_schema(self.own), threads)
        held = hold(sound, judged, self.settings, threads)
        facts, repeated = held.facts, np.empty(0, np.int64)
        if self.has_ids:
            sources, positions = facts.sources.codes, facts.positions
            repeated = repeated_ids(facts.ids, facts.is_sound, sources, positions)
        return write_cleaned(held, repeated, self.writers, self.settings, threads)


def write_cleaned(
    held: Held,
    repeated: NDArray[np.int64],
    writers: Mapping[str, PieceWriter],
    settings: EventSettings,
    threads: int,
) -> Cleaned:
    """Decide on duplicates and bots, and write the events and the rejected records.

    Args:
        held: All records of some users.
        repeated: Rows whose ids are borne by others.
        writers: Writers of the tables, by table.
        settings: Settings.
        threads: Threads.
    """
    decision = decide(held.facts, settings, repeated)
    is_kept = held.facts.is_sound & (decision.rules == KEPT)
    kept = np.flatnonzero(is_kept)
    lost = np.flatnonzero(~is_kept)
    parts = [lost[n : n + _PART_ROWS] for n in range(0, max(1, len(lost)), _PART_ROWS)]
    rejected = pa.concat_tables(_rejected(held, decision, part, settings) for part in parts)
    rows = {EVENTS.name: held.events(kept), REJECTED_EVENTS.name: rejected}
    micros = held.facts.micros[kept][held.facts.has_time[kept]]
    return Cleaned(
        pieces=write_tables(rows, writers, threads),
        reasons=_counts(rejected["reasons"]),
        samples=[each[0] for each in rejected["reasons"].slice(0, SAMPLES).to_pylist()],
        kept=len(kept),
        times=(int(micros.min()), int(micros.max())) if micros.size else (),
    )


def _rejected(
    held: Held, decision: Decision, rows: NDArray[np.int64], settings: EventSettings
) -> pa.Table:
    """Return rows of `rejected_events`."""
    facts, count = held.facts, held.sound.num_rows
    lost = decision.rules[rows] != KEPT
    judged = taken(held.judged["reasons"], rows[rows >= count] - count)
    before = [no_reasons(int((rows < count).sum())), *judged.chunks]
    given = whole(taken(facts.ids, rows[lost]))
    new = reasons_of(decision, rows[lost], given, settings)
    ids = taken(facts.ids, rows)
    repeated = decision.rules[rows] == REPEATED
    if repeated.any():
        places = {"source": facts.sources.encoded(rows[repeated])}
        places["position"] = pa.array(facts.positions[rows[repeated]])
        own = whole(place_ids(pa.table(places), 1))
        ids = pc.replace_with_mask(whole(ids), pa.array(repeated), own)
    return pa.table(
        {
            "event_id": ids,
            "record": held.records(rows),
            "source": facts.sources.encoded(rows),
            "position": facts.positions[rows],
            "reasons": appended(before, np.flatnonzero(lost), new),
        }
    )


def _counts(reasons: pa.ChunkedArray) -> Counter[str]:
    rules: Counter[str] = Counter()
    for chunk in reasons.chunks:
        for each in pc.value_counts(chunk.flatten().field("rule")).to_pylist():
            rules[each["values"]] += each["counts"]
    return rules
