"""Sifted records held by one task: the plainly sound ones, then those that Spark has judged."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipelines.arrays.chunks import taken, whole
from pipelines.arrays.reasons import REASON
from pipelines.interactions.config import EventSettings
from pipelines.interactions.packed.keys import CODES, keys_of, values_of
from pipelines.interactions.sifting.deciding import Facts
from pipelines.interactions.sifting.place_ids import place_ids
from pipelines.interactions.sifting.rejecting import json_records, texts_of
from pipelines.interactions.sifting.sieve import ENCODED, raw_fields
from pipelines.storage.task_files.columns import read_part

_MICROS = pa.timestamp("us", tz="UTC")
JUDGED = pa.schema(
    [
        ("event_id", pa.string()),
        ("user", CODES),
        ("item", CODES),
        ("event_type", CODES),
        ("value", pa.float64()),
        ("time", _MICROS),
        ("source", CODES),
        ("position", pa.int64()),
        ("record", pa.string()),
        ("reasons", pa.list_(REASON)),
    ]
)
"""Columns of the records that Spark has judged, before the user's own."""


def judged_schema(own: Sequence[str]) -> pa.Schema:
    """Return the columns of judged records, the user's own among them."""
    return pa.schema([*JUDGED, *((name, pa.string()) for name in own)])


def read_in_order(files: Sequence[str], schema: pa.Schema, threads: int) -> pa.Table:
    """Return all rows of some files, file by file."""

    def read(file: str) -> list[pa.RecordBatch]:
        return list(read_part([file], 0, 1, schema))

    with ThreadPoolExecutor(threads) as pool:
        found = [batch for batches in pool.map(read, files) for batch in batches]
    return pa.Table.from_batches(found, schema)


def encoded(schema: pa.Schema) -> pa.Schema:
    """Return a schema with dictionaries for the strings that repeat."""
    fields = [f.with_type(CODES) if f.name in ENCODED else f for f in schema]
    return pa.schema(fields)


@dataclass(frozen=True)
class Held:
    """All records.

    Args:
        sound: The plainly sound ones, as they were read.
        judged: Columns of `JUDGED` and the user's own.
        own: The user's own columns.
        facts: Both, as far as decisions need them.
    """

    sound: pa.Table
    judged: pa.Table
    own: tuple[str, ...]
    facts: Facts

    def events(self, rows: NDArray[np.int64]) -> pa.Table:
        """Return rows of `events`, with the user's own columns."""
        facts = self.facts
        names = {"user": facts.users, "item": facts.items, "event_type": facts.types}
        columns = {"event_id": taken(facts.ids, rows)}
        columns |= {name: keys.encoded(rows) for name, keys in names.items()}
        columns["value"] = pa.array(facts.values[rows], mask=~facts.has_value[rows])
        times = pa.array(facts.micros[rows], mask=~facts.has_time[rows])
        columns |= {"time": times.cast(_MICROS), "source": facts.sources.encoded(rows)}
        for name in self.own:
            both = [*self.sound[name].chunks, *self.judged[name].chunks]
            columns[name] = taken(pa.chunked_array(both, pa.string()), rows)
        return pa.table(columns)

    def records(self, rows: NDArray[np.int64]) -> pa.Array:
        """Return the raw records of rows, as JSON where the source had no text of them."""
        count = self.sound.num_rows
        sound, names = rows[rows < count], self.sound.schema.names
        texts: dict[str, pa.Array] = {}
        for name in raw_fields(names):
            texts[name] = whole(taken(self.sound[name], sound)).cast(pa.string())
            for suffix in ("micros", "number"):
                if f"{name}_{suffix}" in names:
                    typed = whole(taken(self.sound[f"{name}_{suffix}"], sound))
                    texts[name] = texts_of(texts[name], typed, is_time=suffix == "micros")
        others = whole(taken(self.judged["record"], rows[rows >= count] - count))
        return pa.concat_arrays([json_records(texts), others])


def hold(sound: pa.Table, judged: pa.Table, settings: EventSettings, threads: int) -> Held:
    """Bring both kinds of records together."""
    names = set(sound.schema.names)
    ids = _both(place_ids(sound, threads), judged["event_id"], pa.string())
    keys = {name: keys_of(_both(sound[name], judged[name], CODES)) for name in ("user", "item")}
    no_type = pa.chunked_array([pa.nulls(sound.num_rows, CODES)])
    types = sound["event_type"] if "event_type" in names else no_type
    values, has_value = _numbers(sound, "value_number", judged["value"])
    times = judged["time"].cast(pa.int64())
    micros, has_time = _numbers(sound, "time_micros", times)
    positions = _both(sound["position"], judged["position"], pa.int64()).to_numpy()
    is_judged_sound = pc.equal(pc.list_value_length(judged["reasons"]), 0).to_numpy()
    facts = Facts(
        ids=ids,
        users=keys["user"],
        items=keys["item"],
        types=keys_of(_both(types, judged["event_type"], CODES)).filled(
            settings.default_event_type
        ),
        values=values,
        has_value=has_value,
        micros=micros,
        has_time=has_time,
        sources=keys_of(_both(sound["source"], judged["source"], CODES)),
        positions=positions,
        is_sound=np.append(np.ones(sound.num_rows, bool), is_judged_sound.astype(bool)),
    )
    own = tuple(judged.schema.names[len(JUDGED) :])
    return Held(sound, judged, own, facts)


def _numbers(
    sound: pa.Table, name: str, judged: pa.ChunkedArray
) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Return numbers, 0 for nulls, and where there are any; the sound records may have none."""
    lacking = pa.chunked_array([pa.nulls(sound.num_rows, judged.type)])
    column = sound[name] if name in sound.schema.names else lacking
    return values_of(_both(column, judged, judged.type))


def _both(one: Any, other: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    return pa.chunked_array([*one.chunks, *other.chunks], kind)
