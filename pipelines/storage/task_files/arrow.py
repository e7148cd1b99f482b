"""Opening files in Python workers: local paths, and remote stores through pyarrow."""

import re
from typing import Any

import pyarrow as pa
from pyarrow import fs

_SCHEMES = {"s3a": "s3", "s3n": "s3", "abfss": "abfs"}  # Hadoop's names for what pyarrow has


def resolve(uri: str) -> tuple[Any, str]:
    """Return the pyarrow file system and path of a local path or Hadoop URI.

    Hadoop's URIs are not percent-encoded: a percent sign or a hash is part of the name.
    """
    match = re.match(r"([A-Za-z][A-Za-z0-9+.-]*):(?=/)", uri)
    if match is None:
        return fs.LocalFileSystem(), uri
    scheme, rest = match[1], uri[match.end() :]
    if scheme == "file":
        return fs.LocalFileSystem(), re.sub(r"^//+", "/", rest)
    store, _, path = rest.removeprefix("//").partition("/")
    root = f"{_SCHEMES.get(scheme, scheme)}://{store}/"
    filesystem, folder = fs.FileSystem.from_uri(root)
    return filesystem, f"{folder.rstrip('/')}/{path}"


def reaches(uri: str) -> bool:
    """Tell whether pyarrow can access the file system of a URI, whether or not the path exists.

    Spark may have file systems and credentials that pyarrow lacks.
    """
    try:
        filesystem, path = resolve(uri)
        filesystem.get_file_info(path)
    except (OSError, pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return False
    return True


def make_folder(uri: str) -> None:
    """Make a folder and its parents; object stores have no folders to make."""
    filesystem, path = resolve(uri)
    filesystem.create_dir(path, recursive=True)
