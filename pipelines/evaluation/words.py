"""The measures of a word space: its size, word similarity, analogies."""

from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pipelines.errors import InputError
from pipelines.evaluation.analogies import candidates, measure_analogies
from pipelines.evaluation.config import EvaluateVectorsConfig
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
    """All evaluation files of one run, and the hash of each one's text by its URI."""

    similarities: list[Similarities]
    analogies: list[Analogies]
    versions: dict[str, str]


def read_files(files: Files, config: EvaluateVectorsConfig) -> WordFiles:
    """Read and parse every file the configuration names.

    Raises:
        InputError: A file is missing or a line is malformed; file and line are named.
    """
    texts = {
        uri: read_word_file(files, uri, setting)
        for setting in ("similarity_files", "analogy_files")
        for uri in getattr(config, setting)
    }
    return WordFiles(
        [
            parse_similarities(texts[uri], origin=uri, is_lowercase=config.is_lowercase)
            for uri in config.similarity_files
        ],
        [
            parse_analogies(texts[uri], origin=uri, is_lowercase=config.is_lowercase)
            for uri in config.analogy_files
        ],
        {uri: digest(text) for uri, text in texts.items()},
    )


def evaluate_words(
    vectors: DataFrame, vocabulary: DataFrame | None, files: WordFiles, *, most: int
) -> list[Measure]:
    """Measure the word vectors of one space; the first measure is their number.

    Args:
        vectors: Vectors of one space.
        vocabulary: Tokens by frequency, or None.
        files: What to measure by; may be empty.
        most: Most frequent words that analogies are asked of, where a vocabulary is given.

    Raises:
        InputError: The space holds no word vectors.
    """
    words = vectors.where(F.col("entity") == "word")
    count = words.count()  # a scalar, and the proof that there is something to measure
    if not count:
        raise InputError("the space holds no vectors of entity 'word'; choose another space_name")
    measures = [Measure("vectors", count)]
    if files.similarities:
        lexicon = fetch_lexicon(words, {w for file in files.similarities for w in file.words})
        for pairs in files.similarities:
            measures += measure_similarity(pairs, lexicon)
    if files.analogies:
        asked = candidates(words, vocabulary, most=most)
        lexicon = fetch_lexicon(asked, {w for file in files.analogies for w in file.words})
        for questions in files.analogies:
            measures += measure_analogies(questions, asked, lexicon)
    return measures
