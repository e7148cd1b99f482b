"""Opening files in Python workers: local paths, and remote stores through pyarrow."""

from typing import Any
from urllib.parse import unquote, urlsplit

from pyarrow import fs

_SCHEMES = {"s3a": "s3", "s3n": "s3", "abfss": "abfs"}  # Hadoop's names for what pyarrow has


def resolve(uri: str) -> tuple[Any, str]:
    """Return the pyarrow file system and path of a local path or Hadoop URI."""
    parts = urlsplit(uri)
    if parts.scheme in ("", "file"):
        return fs.LocalFileSystem(), unquote(parts.path) if parts.scheme else uri
    scheme = _SCHEMES.get(parts.scheme, parts.scheme)
    filesystem, path = fs.FileSystem.from_uri(uri.replace(parts.scheme, scheme, 1))
    return filesystem, path
