"""How a table is named: by a path, a URI, or `catalog.schema.table`."""

import re


def is_catalog_name(uri: str) -> bool:
    """Tell whether a table is named as `catalog.schema.table`."""
    return bool(re.fullmatch(r"\w+\.\w+\.\w+", uri))
