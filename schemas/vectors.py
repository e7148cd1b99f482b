"""Tables of embedding spaces: vectors, training, quality, registry, neighbours and more."""

from pyspark.sql.types import (
    ArrayType,
    BooleanType,
    DoubleType,
    FloatType,
    IntegerType,
    LongType,
    StringType,
    StructField,
    StructType,
    TimestampType,
)

from schemas.table import Column, Table, between, not_blank, one_of

ENTITIES = ("word", "document", "user", "item", "word_context", "item_context")

_SPACE_ID = Column(
    "space_id", StringType(), "Embedding space the row belongs to", checks=(not_blank(),)
)
_ENTITY = Column("entity", StringType(), "Kind of thing the key names", checks=(one_of(*ENTITIES),))
_JOB = Column("job", StringType(), "Job that measured it")

VECTORS = Table(
    name="vectors",
    grain="one vector of one embedding space",
    key=("space_id", "entity", "key"),
    columns=(
        _SPACE_ID,
        _ENTITY,
        Column("key", StringType(), "Token, document, user or item", checks=(not_blank(),)),
        Column("vector", ArrayType(FloatType()), "Components, as many as the space's dimension"),
        Column("norm", FloatType(), "Euclidean norm of the vector", checks=(between(0),)),
    ),
    partitioning=("space_id",),
)

DOCUMENT_VECTORS = Table(
    name="document_vectors",
    grain="one document, sentence or session with its vector",
    key=("doc_id",),
    columns=(
        Column(
            "space_id",
            StringType(),
            "Embedding space of the words it is the mean of",
            checks=(not_blank(),),
        ),
        Column("doc_id", StringType(), "Document, user or sentence", checks=(not_blank(),)),
        Column(
            "vector",
            ArrayType(FloatType()),
            "Weighted mean of its words, not normalised; null where empty",
            nullable=True,
        ),
        Column(
            "norm",
            FloatType(),
            "Euclidean norm of the vector; null where empty",
            nullable=True,
            checks=(between(0),),
        ),
        Column("token_count", LongType(), "Its tokens", unit="tokens", checks=(between(0),)),
        Column(
            "known_token_count",
            LongType(),
            "Its tokens that have a vector in the space",
            unit="tokens",
            checks=(between(0),),
        ),
        Column("is_empty", BooleanType(), "True where no token has a vector"),
    ),
)

TRAINING_HISTORY = Table(
    name="training_history",
    grain="one measure of one space at one round of training",
    key=("space_id", "round", "metric"),
    columns=(
        _SPACE_ID,
        Column("round", IntegerType(), "Round, epoch or iteration, from 1", checks=(between(0),)),
        Column("metric", StringType(), "What was measured"),
        Column("value", DoubleType(), "The measure"),
    ),
    partitioning=("space_id",),
)

QUALITY_METRICS = Table(
    name="quality_metrics",
    grain="one measure or check of one space by one job",
    key=("space_id", "job", "entity", "metric"),
    columns=(
        _SPACE_ID,
        _JOB,
        Column("entity", StringType(), "Kind of vector it was measured on, or `all`"),
        Column("metric", StringType(), "What was measured"),
        Column("value", DoubleType(), "The measure", nullable=True),
        Column("expectation", StringType(), "Rule it was held to", nullable=True),
        Column(
            "status",
            StringType(),
            "What came of it",
            checks=(one_of("measured", "passed", "failed", "errored"),),
        ),
        Column("detail", StringType(), "Threshold, coverage or error in words", nullable=True),
    ),
    partitioning=("space_id", "job"),
)

EMBEDDING_SPACES = Table(
    name="embedding_spaces",
    grain="one embedding space",
    key=("space_id",),
    columns=(
        _SPACE_ID,
        Column("name", StringType(), "Line of spaces that replace each other, as `word`"),
        Column(
            "state",
            StringType(),
            "Where it is between training and publication",
            checks=(one_of("staged", "passed", "failed", "publishing", "published", "superseded"),),
        ),
        Column("dimension", IntegerType(), "Components of each vector", checks=(between(1),)),
        Column(
            "metric", StringType(), "How vectors are compared", checks=(one_of("cosine", "dot"),)
        ),
        Column("is_normalized", BooleanType(), "True where all norms are one"),
        Column("parents", ArrayType(StringType()), "Spaces this one was derived from"),
        Column("parameters", StringType(), "Settings of the trainer as JSON"),
        Column("input_versions", StringType(), "Versions of the inputs as JSON"),
        Column("config_hash", StringType(), "Hash of the settings"),
        Column("code_version", StringType(), "Version of vectormill"),
        Column("seed", LongType(), "Seed of all random choices"),
        Column("row_count", LongType(), "Vectors of the space", unit="rows", checks=(between(0),)),
        Column("checksum", StringType(), "Sum of row hashes, independent of order"),
        Column("published_to", StringType(), "Table it was published to", nullable=True),
        Column("requested_at", TimestampType(), "Last training run that asked for it", unit="UTC"),
        Column("updated_at", TimestampType(), "Last change of the row", unit="UTC"),
    ),
    partitioning=("space_id",),
)

_SCORED = ArrayType(
    StructType([StructField("key", StringType()), StructField("score", FloatType())])
)

NEIGHBOURS = Table(
    name="neighbours",
    grain="one query with its nearest vectors",
    key=("space_id", "entity", "key"),
    columns=(
        _SPACE_ID,
        _ENTITY,
        Column("key", StringType(), "The query"),
        Column("neighbours", _SCORED, "Nearest keys, nearest first, the query itself left out"),
    ),
)

RECOMMENDATIONS = Table(
    name="recommendations",
    grain="one user with the items recommended to them",
    key=("space_id", "user"),
    columns=(
        _SPACE_ID,
        Column("user", StringType(), "Key of the user"),
        Column("items", _SCORED, "Items by score descending, seen ones left out"),
    ),
)

TUNING_RESULTS = Table(
    name="tuning_results",
    grain="one candidate of a search after one sweep",
    key=("trial", "iteration"),
    columns=(
        Column("trial", IntegerType(), "Number of the candidate, from 1", checks=(between(1),)),
        Column("rank", IntegerType(), "Components per vector", checks=(between(1),)),
        Column("reg_param", DoubleType(), "Regularisation", checks=(between(0),)),
        Column(
            "unobserved_weight",
            DoubleType(),
            "Weight of every cell; 1/alpha where the objective is hu2008",
            checks=(between(0),),
        ),
        Column("iteration", IntegerType(), "Sweeps so far", checks=(between(1),)),
        Column(
            "recall", DoubleType(), "Recall at k of the held-out pairs", checks=(between(0, 1),)
        ),
        Column("ndcg", DoubleType(), "NDCG at k of the held-out pairs", checks=(between(0, 1),)),
        Column("loss", DoubleType(), "The objective"),
        Column("seconds", DoubleType(), "Time of the sweep", unit="s", checks=(between(0),)),
        Column("is_best", BooleanType(), "True of the one row that the search recommends"),
    ),
)

RUN_COUNTS = Table(
    name="run_counts",
    grain="one count of one job's newest run",
    key=("job", "kind", "count"),
    columns=(
        _JOB,
        Column("count", StringType(), "What was counted: a table, or a reason of rejection"),
        Column(
            "kind",
            StringType(),
            "Side of the balance",
            checks=(one_of("in", "out", "rejected", "measured"),),
        ),
        Column("value", LongType(), "Rows, or the unit that the count names", checks=(between(0),)),
    ),
    partitioning=("job",),
)
