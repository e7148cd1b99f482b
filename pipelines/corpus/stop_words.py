"""Stop words of a user's file."""

from pipelines.errors import InputError
from pipelines.storage.digests import digest
from pipelines.storage.hadoop import Files


def read_stop_words(files: Files, uri: str) -> tuple[list[str], str]:
    """Return the lines of a file that are not blank, without blanks at their ends, and their hash.

    Raises:
        InputError: The file is missing, a folder, or not UTF-8.
    """
    if not files.exists(uri) or files.is_folder(uri):
        raise InputError(f"{uri}: no such file (inputs.stop_words)")
    try:
        text = files.read_text(uri)
    except UnicodeDecodeError as error:
        raise InputError(f"{uri}: not UTF-8 at byte {error.start}; convert the file") from error
    lines = (line.strip() for line in text.lstrip("\ufeff").splitlines())
    words = [line for line in lines if line]
    return words, digest(words)
