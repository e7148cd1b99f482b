"""What an output may replace: a table or an empty folder, never other files."""

from pipelines.errors import ConfigError
from pipelines.storage.hadoop import Files


def refuse_foreign(files: Files, uri: str, *, suffix: str = ".parquet") -> None:
    """Refuse a folder that holds anything but an output, as replacing it would delete the rest.

    Args:
        files: The session's files.
        uri: Folder of the output.
        suffix: Ending of the names of an output's files; its folders are partitions.

    Raises:
        ConfigError: It is a file, or a folder that holds other files or folders.
    """
    if not files.exists(uri):
        return
    if not files.is_folder(uri):
        raise ConfigError(f"{uri}: this is a file, and an output is a folder: name another place")
    names = [name for name in files.names(uri) if not name.startswith((".", "_"))]
    others = [name for name in names if not name.endswith(suffix) and "=" not in name]
    if others:
        raise ConfigError(
            f"{uri}: {others[0]!r} in it is no part of a table, and an output replaces all that is "
            "in its folder: name another place, or empty it"
        )


def is_empty(files: Files, uri: str, *marks: str) -> bool:
    """Tell whether a folder has only hidden files, none of them named in `marks`."""
    names = files.names(uri) if files.is_folder(uri) else [uri]
    return all(name.startswith((".", "_")) and name not in marks for name in names)
