"""Statistics of a file as Delta's log keeps them."""

import json

import pyarrow as pa
import pyarrow.compute as pc

from schemas import Table

_LONGEST_BOUND = 32  # characters


def statistics_of(piece: pa.Table, table: Table) -> str:
    """Return the number of rows, and the bounds of columns of strings, as Delta's log has them.

    Columns with a longer value than the log keeps are left out: readers then know no bounds.
    """
    lowest, highest = {}, {}
    for column in table.columns:
        values = piece[column.name]
        if pa.types.is_string(values.type) and not values.null_count:
            bounds = pc.min_max(values).as_py()
            if max(map(len, bounds.values())) <= _LONGEST_BOUND:
                lowest[column.name], highest[column.name] = bounds["min"], bounds["max"]
    bounds = {"minValues": lowest, "maxValues": highest}
    nulls = dict.fromkeys(lowest, 0)
    return json.dumps({"numRecords": piece.num_rows, **bounds, "nullCount": nulls})
