"""Dense ids of the keys in use, as `interactions.identities` assigns them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipelines.interactions.config import InteractionSettings
from pipelines.interactions.identities import digest_of_ids
from pipelines.interactions.k_core import core_of_codes, nothing_left
from pipelines.interactions.packed.keys import Keys, read_table
from schemas import ITEM_IDS, USER_IDS

KNOWN = pa.schema([("id", pa.int32()), ("key", pa.string())])
"""Columns of the ids of an earlier run."""


@dataclass(frozen=True)
class Numbered:
    """Keys with ids.

    Args:
        ids: Of each key's code its id, -1 where it is not in use.
        table: Rows of `user_ids` or `item_ids`, in the order of ids.
    """

    ids: NDArray[np.int32]
    table: pa.Table

    @property
    def version(self) -> str:
        """Version of the ids in use: see `identities.content_version`."""
        in_use = self.table.filter(pc.invert(self.table["is_retired"]))
        return digest_of_ids(in_use["id"].to_pylist(), in_use["key"].to_pylist())


def number_core(
    users: Keys,
    items: Keys,
    counts: NDArray[np.int64],
    known: Mapping[str, Sequence[str]],
    settings: InteractionSettings,
    threads: int,
) -> dict[str, Numbered]:
    """Number the users and items of the core, by table.

    Args:
        users: Of each training pair the user.
        items: Of each the item.
        counts: Of each the number of events.
        known: Files of the ids of an earlier run, by table.
        settings: Least interactions.
        threads: Threads.

    Raises:
        GateError: The core is empty.
    """
    least = settings.min_user_interactions, settings.min_item_interactions
    core = np.flatnonzero(core_of_codes(users.codes, items.codes, *least))
    if not core.size:
        raise nothing_left(*least)
    numbered = {}
    for name, keys in ((USER_IDS.name, users), (ITEM_IDS.name, items)):
        of_keys = np.bincount(keys.codes[core], counts[core], len(keys)).astype(np.int64)
        files = known.get(name)
        earlier = read_table(files, KNOWN, threads) if files else None
        numbered[name] = number(keys.names, of_keys, earlier)
    return numbered


def number(names: pa.Array, counts: NDArray[np.int64], known: pa.Table | None) -> Numbered:
    """Keep the ids that are known and append new ones, most frequent first, then by key.

    Args:
        names: Keys by code, in the order of their bytes.
        counts: Training events by code; 0 where a key is not kept.
        known: Columns of `KNOWN`, or None.
    """
    ids = np.full(len(counts), -1, np.int32)
    last, earlier = -1, None
    is_new = counts > 0
    if known is not None and known.num_rows:
        places = pc.index_in(known["key"], names).fill_null(-1).to_numpy()
        last = pc.max(known["id"]).as_py()
        kept = np.append(counts, 0)[places]
        is_new[places[places >= 0]] = False
        earlier = _rows(known["id"].to_numpy(), known["key"], kept)
        ids[places[kept > 0]] = known["id"].to_numpy()[kept > 0]
    new = np.flatnonzero(is_new)
    new = new[np.argsort(-counts[new], kind="stable")]
    ids[new] = np.arange(last + 1, last + 1 + len(new), dtype=np.int32)
    appended = _rows(ids[new], names.take(pa.array(new)), counts[new])
    whole = appended if earlier is None else pa.concat_tables([earlier, appended]).sort_by("id")
    return Numbered(ids, whole)


def _rows(ids: NDArray[np.int32], keys: pa.Array, counts: NDArray[np.int64]) -> pa.Table:
    columns = {"id": ids, "key": keys, "count": counts, "is_retired": counts == 0}
    return pa.table(columns)
