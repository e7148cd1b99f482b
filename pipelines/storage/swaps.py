"""A folder put in the place of another by two moves; a crash between the two is mended later."""

import uuid
from urllib.parse import quote, unquote

from pipelines.errors import InputError
from pipelines.storage.hadoop import Files

_ASIDE = ".old-"  # in the name of a folder that was moved aside
_TRIES = 3  # a reader may mend what it takes for a crash while a writer is at work


def swap(files: Files, source: str, root: str, relative: str) -> None:
    """Put a folder in the place of another one, which is moved aside first and then deleted.

    Args:
        files: The session's files.
        source: The new folder.
        root: Folder below which the old one lies, and where it is moved aside.
        relative: Path of the old folder below `root`.
    """
    target, label = f"{root}/{relative}", f".{quote(relative, safe='=')}{_ASIDE}"
    for tries in range(1, _TRIES + 1):
        if files.exists(target):
            files.move(target, f"{root}/{label}{uuid.uuid4().hex}")
        try:
            files.move(source, target)
            break
        except (InputError, OSError):
            if tries == _TRIES or not files.exists(target):
                mend(files, root, relative)
                raise
    for name in _names(files, root):
        if name.startswith(label):
            files.delete(f"{root}/{name}")


def mend(files: Files, root: str, relative: str | None = None) -> None:
    """Move back each folder, or the one at `relative`, that a crash left aside and none replaced.

    Of several that were moved aside from one place, one goes back: the others are older or alike.
    """
    for name in _names(files, root):
        quoted, mark, _ = name[1:].rpartition(_ASIDE)
        place = unquote(quoted)
        if not mark or name[0] != "." or relative not in {None, place}:
            continue
        if not files.exists(f"{root}/{place}"):
            try:
                files.move(f"{root}/{name}", f"{root}/{place}")
            except (InputError, OSError):  # another reader was faster, or this one may not write
                continue


def _names(files: Files, folder: str) -> list[str]:
    return files.names(folder) if files.is_folder(folder) else []
