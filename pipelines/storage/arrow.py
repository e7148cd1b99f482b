"""Opening files in Python workers: local paths, and remote stores through pyarrow."""

import re
from typing import Any

import pyarrow as pa
from pyarrow import fs

_SCHEMES = {"s3a": "s3", "s3n": "s3", "abfss": "abfs"}  # Hadoop's names for what pyarrow has


def resolve(uri: str) -> tuple[Any, str]:
    """Return the pyarrow file system and path of a local path or Hadoop URI.

    Hadoop's URIs are not percent-encoded: a percent sign or a hash is one of the name's.
    """
    found = re.match(r"([A-Za-z][A-Za-z0-9+.-]*):(?=/)", uri)
    if found is None:
        return fs.LocalFileSystem(), uri
    scheme, rest = found[1], uri[found.end() :]
    if scheme == "file":
        return fs.LocalFileSystem(), re.sub(r"^//+", "/", rest)
    store, _, path = rest.removeprefix("//").partition("/")
    root = f"{_SCHEMES.get(scheme, scheme)}://{store}/"
    filesystem, folder = fs.FileSystem.from_uri(root)
    return filesystem, f"{folder.rstrip('/')}/{path}"


def reaches(uri: str) -> bool:
    """Tell whether pyarrow reaches a place, be anything there or not.

    Spark may have file systems, and credentials for them, that pyarrow has not.
    """
    try:
        filesystem, path = resolve(uri)
        filesystem.get_file_info(path)
    except (OSError, pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return False
    return True


def make_folder(uri: str) -> None:
    """Make a folder where a store has any, and those above it."""
    filesystem, path = resolve(uri)
    filesystem.create_dir(path, recursive=True)
