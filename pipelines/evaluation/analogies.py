"""Analogies by 3CosAdd; each partition of candidates yields its best answer to each question."""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pipelines.arrays.matrices import Floats, Indices, as_matrix, normalised
from pipelines.evaluation.measures import Measure
from pipelines.evaluation.similarity import Lexicon
from pipelines.evaluation.word_files import Analogies

_QUESTIONS = 1_024  # questions per matrix product


def candidates(vectors: DataFrame, vocabulary: DataFrame | None, *, most: int) -> DataFrame:
    """Return the vectors of candidate answers: of the most frequent words, given a vocabulary.

    Args:
        vectors: Word vectors of one space.
        vocabulary: Tokens with their counts; None keeps all words.
        most: Most words kept.
    """
    if vocabulary is None:
        return vectors
    ranked = vocabulary.orderBy(F.desc("count"), "token_id").limit(most)  # ids need not be ranks
    frequent = ranked.select(F.col("token").alias("key"))
    return vectors.join(frequent, "key", "left_semi")


def answer(words: DataFrame, questions: Indices, lexicon: Lexicon) -> dict[int, str]:
    """Return the answer to each question: argmax over d of cos(d, b - a + c), d not a, b or c.

    3CosAdd of Levy and Goldberg (2014) on unit vectors. Of equal scores the first word wins.

    Args:
        words: Candidates, one vector per word.
        questions: Rows of the lexicon, shape `(n, 4)`: a, b, c and the expected d.
        lexicon: Unit vectors of all words of the questions.
    """
    if not len(questions):
        return {}
    a, b, c = (lexicon.matrix[questions[:, place]] for place in range(3))
    best = _Answerer(normalised(b - a + c), questions[:, :3], list(lexicon.rows))
    scored = words.select("key", "vector").mapInArrow(best, "question int, key string, score float")
    first = F.min(F.struct((-F.col("score")).alias("loss"), "key")).getField("key")
    reduced = scored.groupBy("question").agg(first.alias("key"))
    table = reduced.toArrow()  # one row per question of a file
    return dict(zip(table["question"].to_pylist(), table["key"].to_pylist(), strict=True))


class _Answerer:
    """Keeps the best candidate of each question over the batches of one partition."""

    def __init__(self, targets: Floats, given: Indices, words: list[str]) -> None:
        self._targets, self._given, self._words = targets, given, words

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Yield the best candidate of each question in this partition."""
        scores = np.full(len(self._targets), -np.inf, dtype=np.float32)
        keys: NDArray[Any] = np.full(len(self._targets), "", dtype=object)
        for batch in batches:
            if batch.num_rows:
                self._improve(scores, keys, batch)
        known = np.flatnonzero(np.isfinite(scores))
        yield pa.RecordBatch.from_arrays(
            [
                pa.array(known, pa.int32()),
                pa.array(keys[known], pa.string()),
                pa.array(scores[known], pa.float32()),
            ],
            ["question", "key", "score"],
        )

    def _improve(self, scores: Floats, keys: NDArray[Any], batch: pa.RecordBatch) -> None:
        """Take the answers of one batch that score higher, or as high and sort earlier."""
        batch = batch.sort_by("key")
        names = np.array(batch.column("key").to_pylist(), dtype=object)
        matrix = normalised(as_matrix(batch.column("vector"), dimension=self._targets.shape[1]))
        rows = pc.index_in(pa.array(self._words), value_set=batch.column("key"))
        place = pc.fill_null(rows, -1).to_numpy(zero_copy_only=False)
        for start in range(0, len(self._targets), _QUESTIONS):
            part = slice(start, start + _QUESTIONS)
            cosines = np.fmax(self._targets[part] @ matrix.T, -np.inf)
            given = place[self._given[part]]
            question, at = np.nonzero(given >= 0)
            cosines[question, given[question, at]] = -np.inf
            best = cosines.argmax(axis=1)
            value, name = cosines[np.arange(len(best)), best], names[best]
            is_better = (value > scores[part]) | ((value == scores[part]) & (name < keys[part]))
            scores[part] = np.where(is_better, value, scores[part])
            keys[part] = np.where(is_better, name, keys[part])


def measure_analogies(file: Analogies, words: DataFrame, lexicon: Lexicon) -> Iterator[Measure]:
    """Yield the accuracy of each section and of the whole file, and the coverage.

    A question counts as asked if all its four words are candidates. Accuracy is the share of
    right answers among the asked questions; coverage is the share of asked questions.

    Args:
        file: Questions by section.
        words: Candidates.
        lexicon: Vectors of the files' words that are candidates.
    """
    asked = [
        n
        for n, question in enumerate(file.questions)
        if all(word in lexicon.rows for word in question)
    ]
    rows = [[lexicon.rows[word] for word in file.questions[n]] for n in asked]
    answers = answer(words, np.array(rows, dtype=np.int64).reshape(-1, 4), lexicon)
    is_right = {n: answers.get(place) == file.questions[n][3] for place, n in enumerate(asked)}
    for section in dict.fromkeys(file.sections):
        members = [n for n, name in enumerate(file.sections) if name == section]
        yield _accuracy(f"analogy.{file.name}.{section}.accuracy", members, is_right)
    everything = list(range(len(file.questions)))
    yield _accuracy(f"analogy.{file.name}.accuracy", everything, is_right)
    yield Measure(f"analogy.{file.name}.coverage", len(asked) / len(everything))


def _accuracy(metric: str, members: list[int], is_right: dict[int, bool]) -> Measure:
    asked = [is_right[n] for n in members if n in is_right]
    detail = f"{sum(asked)} right of {len(asked)} asked of {len(members)}"
    return Measure(metric, sum(asked) / len(asked) if asked else None, detail)
