"""The measures of a word space: its size, word similarity, analogies."""

from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pipelines.errors import InputError
from pipelines.evaluation.analogies import candidates, measure_analogies
from pipelines.evaluation.config import VectorEvaluationSettings
from pipelines.evaluation.measures import Measure
from pipelines.evaluation.similarity import fetch_lexicon, measure_similarity
from pipelines.evaluation.word_files import (
    Analogies,
    Similarities,
    parse_analogies,
    parse_similarities,
    read_word_file,
)
from pipelines.storage.digests import digest
from pipelines.storage.hadoop import Files


@dataclass(frozen=True)
class WordFiles:
    """All evaluation files of one run, and hashes of their texts by URI."""

    similarities: list[Similarities]
    analogies: list[Analogies]
    versions: dict[str, str]


def read_files(files: Files, settings: VectorEvaluationSettings) -> WordFiles:
    """Read and parse every file that the settings name.

    Raises:
        InputError: A file is missing or a line is malformed; file and line are named.
    """
    texts = {
        uri: read_word_file(files, uri, setting)
        for setting in ("similarity_files", "analogy_files")
        for uri in getattr(settings, setting)
    }
    return WordFiles(
        [
            parse_similarities(texts[uri], origin=uri, is_lowercase=settings.is_lowercase)
            for uri in settings.similarity_files
        ],
        [
            parse_analogies(texts[uri], origin=uri, is_lowercase=settings.is_lowercase)
            for uri in settings.analogy_files
        ],
        {uri: digest(text) for uri, text in texts.items()},
    )


def evaluate_vectors(
    vectors: DataFrame, settings: VectorEvaluationSettings, *, vocabulary: DataFrame | None = None
) -> list[Measure]:
    """Measure the word vectors of one space by the files that the settings name.

    Args:
        vectors: Vectors of one space.
        settings: Files of word similarities and analogies.
        vocabulary: Rows of `vocabulary`; None makes all words candidates of analogies.

    Raises:
        InputError: The space has no word vectors, or a file is missing or malformed.
    """
    files = read_files(Files(vectors.sparkSession), settings)
    return measure_words(vectors, files, settings, vocabulary=vocabulary)


def measure_words(
    vectors: DataFrame,
    files: WordFiles,
    settings: VectorEvaluationSettings,
    *,
    vocabulary: DataFrame | None,
) -> list[Measure]:
    """Measure the word vectors of one space; the first measure is their number.

    Args:
        vectors: Vectors of one space.
        files: What `read_files` returns; may be empty.
        settings: `analogy_vocabulary` is used.
        vocabulary: Rows of `vocabulary`; None makes all words candidates of analogies.

    Raises:
        InputError: The space holds no word vectors.
    """
    words = vectors.where(F.col("entity") == "word")
    count = words.count()
    if not count:
        raise InputError("the space holds no vectors of entity 'word'; choose another space_name")
    measures = [Measure("vectors", count)]
    if files.similarities:
        lexicon = fetch_lexicon(words, {w for file in files.similarities for w in file.words})
        for pairs in files.similarities:
            measures += measure_similarity(pairs, lexicon)
    if files.analogies:
        most = settings.analogy_vocabulary
        known = candidates(words, vocabulary, most=most)
        lexicon = fetch_lexicon(known, {w for file in files.analogies for w in file.words})
        for questions in files.analogies:
            measures += measure_analogies(questions, known, lexicon)
    return measures
