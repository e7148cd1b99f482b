"""Files of word similarities and analogies, small enough to be parsed on the driver."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from pipelines.errors import InputError
from pipelines.storage.hadoop import Files

_SCORE_COLUMN = "SimLex999"  # name of the scores in a header
_PAIR_COLUMNS = 3  # two words and a score
_ANALOGY_WORDS = 4  # words per question


@dataclass(frozen=True)
class Similarities:
    """Pairs of words with their human scores, and the stem of their file."""

    name: str
    pairs: list[tuple[str, str]]
    scores: list[float]

    @property
    def words(self) -> set[str]:
        """Return all words of the file."""
        return {word for pair in self.pairs for word in pair}


@dataclass(frozen=True)
class Analogies:
    """Questions `a is to b as c is to d` with their sections, and the stem of their file."""

    name: str
    sections: list[str]
    questions: list[tuple[str, ...]]

    @property
    def words(self) -> set[str]:
        """Return all words of the file."""
        return {word for question in self.questions for word in question}


def read_word_file(files: Files, uri: str, setting: str) -> str:
    """Return a file's text.

    Raises:
        InputError: It is missing, a folder, or not UTF-8.
    """
    if not files.exists(uri) or files.is_folder(uri):
        raise InputError(f"{uri}: no such file ({setting})")
    try:
        return files.read_text(uri)
    except UnicodeDecodeError as error:
        raise InputError(f"{uri}: not UTF-8 at byte {error.start}; convert the file") from error


def parse_similarities(text: str, *, origin: str, is_lowercase: bool) -> Similarities:
    """Parse pairs of words with a score, in any of three layouts.

    The separator is a tab if the first line has one, else a comma if it has one, else white space.
    A first line without a numeric score is a header; scores are in its column `SimLex999`, else in
    the third column.

    Raises:
        InputError: A line is not two words and a finite number, or there is none.
    """
    lines = list(_lines(text, is_lowercase=False))
    pairs, scores, column, delimiter = [], [], _PAIR_COLUMNS - 1, _delimiter(lines)
    for place, (number, line) in enumerate(lines):
        cells = [cell.strip() for cell in line.split(delimiter)]
        score = _number(cells, column)
        if score is None and place == 0 and len(cells) >= _PAIR_COLUMNS:
            column = cells.index(_SCORE_COLUMN) if _SCORE_COLUMN in cells else column
            continue
        if score is None or not all(cells[:2]):
            raise InputError(f"{origin}: line {number}: not two words and a number: {line!r}")
        first, second = (cell.lower() if is_lowercase else cell for cell in cells[:2])
        pairs.append((first, second))
        scores.append(score)
    if not pairs:
        raise InputError(f"{origin}: holds no pairs of words")
    return Similarities(PurePosixPath(origin).stem, pairs, scores)


def parse_analogies(text: str, *, origin: str, is_lowercase: bool) -> Analogies:
    """Parse questions of four words below `: section` lines.

    Raises:
        InputError: A line has not four words, comes before any section, or there is none.
    """
    sections: list[str] = []
    questions: list[tuple[str, ...]] = []
    section: str | None = None
    for number, line in _lines(text, is_lowercase=is_lowercase):
        if line.startswith(":"):
            section = line[1:].strip()
            continue
        words = tuple(line.split())
        if section is None or len(words) != _ANALOGY_WORDS:
            wanted = "a line ': section' first" if section is None else "four words"
            raise InputError(f"{origin}: line {number}: expected {wanted}, found {line!r}")
        sections.append(section)
        questions.append(words)
    if not questions:
        raise InputError(f"{origin}: holds no questions")
    return Analogies(PurePosixPath(origin).stem, sections, questions)


def _lines(text: str, *, is_lowercase: bool) -> Iterator[tuple[int, str]]:
    """Yield the lines that are neither blank nor comments, with their numbers from 1."""
    for number, line in enumerate(text.removeprefix("\ufeff").split("\n"), start=1):
        content = line.strip()
        if content and not content.startswith("#"):
            yield number, content.lower() if is_lowercase and content[0] != ":" else content


def _delimiter(lines: Sequence[tuple[int, str]]) -> str | None:
    first = lines[0][1] if lines else ""
    return next((mark for mark in ("\t", ",") if mark in first), None)


def _number(cells: list[str], column: int) -> float | None:
    try:
        value = float(cells[column])
    except (IndexError, ValueError):
        return None
    return value if math.isfinite(value) else None
