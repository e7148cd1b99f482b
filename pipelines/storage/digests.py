"""Short hashes that identify settings, inputs and files."""

import hashlib
import json
from typing import Any


def digest(value: Any) -> str:
    """Return a short hash of JSON values, the same on every machine."""
    text = json.dumps(value, sort_keys=True, default=str)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()[:16]
