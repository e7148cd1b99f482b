"""Tables of the corpus: documents, what was rejected and why, sentences, vocabulary."""

from pyspark.sql.types import (
    ArrayType,
    DoubleType,
    IntegerType,
    LongType,
    StringType,
    StructField,
    StructType,
)

from schemas.table import Column, Table, between, not_blank

REASONS = ArrayType(
    StructType(
        [
            StructField("rule", StringType()),
            StructField("value", StringType()),
            StructField("threshold", StringType()),
        ]
    )
)
"""Every rule that a row broke, with the value that was measured and the threshold, as text."""

_DOC_ID = Column("doc_id", StringType(), "Identifier of the document", checks=(not_blank(),))
_SOURCE = Column("source", StringType(), "File the record came from, relative to the input")
_POSITION = Column(
    "position",
    LongType(),
    "Place of the record in its source",
    unit="bytes or rows",
    checks=(between(0),),
)
_TEXT = Column(
    "text", StringType(), "Repaired, normalised text; signals, hashes and rules are of it"
)
_ADDED = (
    Column(
        "language",
        StringType(),
        "Language of the text by ISO 639-1, or 639-3 where there is no other; `und` for none",
        added=True,
        checks=(not_blank(),),
    ),
    Column(
        "language_score",
        DoubleType(),
        "What the detector gave the most likely language, also where that is too little",
        added=True,
        checks=(between(0, 1),),
    ),
    Column(
        "removed_line_count",
        IntegerType(),
        "Lines that line rules removed; the signals are of the text without them",
        unit="lines",
        added=True,
        checks=(between(0),),
    ),
)
_SIGNALS = (
    Column(
        "character_count",
        IntegerType(),
        "Length of the text",
        unit="characters",
        checks=(between(0),),
    ),
    Column(
        "word_count",
        IntegerType(),
        "Words of at least one letter or digit; each letter of scripts without blanks is one",
        unit="words",
        checks=(between(0),),
    ),
    Column(
        "mean_word_length",
        DoubleType(),
        "Mean length of the words of scripts with blanks",
        unit="characters",
        checks=(between(0),),
    ),
    Column(
        "alphabetic_word_share",
        DoubleType(),
        "Share of words with at least one letter",
        checks=(between(0, 1),),
    ),
    Column(
        "symbol_word_ratio", DoubleType(), "Hash signs and ellipses per word", checks=(between(0),)
    ),
    Column(
        "duplicate_line_share",
        DoubleType(),
        "Share of lines that repeat an earlier line",
        checks=(between(0, 1),),
    ),
)
_REASONS = Column("reasons", REASONS, "Every rule that was broken")

DOCUMENTS = Table(
    name="documents",
    grain="one kept document",
    key=("doc_id",),
    columns=(_DOC_ID, _SOURCE, _POSITION, _TEXT, *_ADDED, *_SIGNALS),
    has_own_columns=True,
)

REJECTED_DOCUMENTS = Table(
    name="rejected_documents",
    grain="one rejected document with every reason",
    key=("doc_id",),
    columns=(
        _DOC_ID,
        _SOURCE,
        _POSITION,
        Column(
            "text",
            StringType(),
            "Text as far as it could be decoded, with the lines that line rules removed",
            nullable=True,
        ),
        *_ADDED,
        *_SIGNALS,
        _REASONS,
    ),
)

DUPLICATE_DOCUMENTS = Table(
    name="duplicate_documents",
    grain="one document whose text another kept document already has",
    key=("doc_id",),
    columns=(
        _DOC_ID,
        _SOURCE,
        _POSITION,
        Column("kept_doc_id", StringType(), "Document that was kept in its stead"),
    ),
)

REJECTED_FILES = Table(
    name="rejected_files",
    grain="one input file that could not be read to its end",
    key=("path",),
    columns=(
        Column("path", StringType(), "File, relative to the input"),
        Column("size", LongType(), "Size on storage", unit="bytes", checks=(between(0),)),
        _REASONS,
    ),
)

TOKEN_IDS = ArrayType(IntegerType())

SENTENCES = Table(
    name="sentences",
    grain="one sentence or session as token ids",
    key=("sentence_id",),
    columns=(
        Column(
            "sentence_id", StringType(), "Document (or user) and place in it", checks=(not_blank(),)
        ),
        Column("doc_id", StringType(), "Document (or user) the sentence belongs to"),
        Column("token_ids", TOKEN_IDS, "Ids of the tokens in reading order"),
    ),
)

VOCABULARY = Table(
    name="vocabulary",
    grain="one token that is frequent enough to be kept",
    key=("token_id",),
    columns=(
        Column(
            "token_id",
            IntegerType(),
            "Id from 0 by count descending, then token; else that of an earlier vocabulary, or of "
            "subwords in tokenizer.json",
            checks=(between(0),),
        ),
        Column("token", StringType(), "The token itself", checks=(not_blank(),)),
        Column(
            "count", LongType(), "Occurrences in the corpus", unit="tokens", checks=(between(1),)
        ),
        Column(
            "document_count",
            LongType(),
            "Documents that hold the token",
            unit="documents",
            checks=(between(1),),
        ),
    ),
)

PHRASES = Table(
    name="phrases",
    grain="one phrase that one pass found",
    key=("phrase_id",),
    columns=(
        Column(
            "phrase_id",
            IntegerType(),
            "Number by pass, then count descending",
            checks=(between(0),),
        ),
        Column("phrase", StringType(), "The token that it became", checks=(not_blank(),)),
        Column("words", ArrayType(StringType()), "Tokens that it takes the place of"),
        Column("pass", IntegerType(), "Pass that found it, from 1", checks=(between(1),)),
        Column(
            "count",
            LongType(),
            "Occurrences before phrases were merged",
            unit="tokens",
            checks=(between(1),),
        ),
        Column("score", DoubleType(), "Score of word2phrase", checks=(between(0),)),
    ),
)
