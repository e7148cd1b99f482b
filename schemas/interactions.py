"""Tables of interaction logs: events, what was rejected, ids, interactions, sessions."""

from pyspark.sql.types import (
    BooleanType,
    DoubleType,
    FloatType,
    IntegerType,
    LongType,
    StringType,
    TimestampType,
)

from schemas.corpus import REASONS, SENTENCES
from schemas.table import Column, Table, between, not_blank, one_of

_EVENT_ID = Column("event_id", StringType(), "Identifier of the event", checks=(not_blank(),))
_SOURCE = Column("source", StringType(), "File the record came from, relative to the input")

EVENTS = Table(
    name="events",
    grain="one event of one user and one item",
    key=("event_id",),
    columns=(
        _EVENT_ID,
        Column("user", StringType(), "Key of the user", checks=(not_blank(),)),
        Column("item", StringType(), "Key of the item", checks=(not_blank(),)),
        Column("event_type", StringType(), "Kind of event, as `event_weights` names it"),
        Column("value", DoubleType(), "Rating, amount or quantity", nullable=True),
        Column("time", TimestampType(), "When it happened", nullable=True, unit="UTC"),
        _SOURCE,
    ),
    has_own_columns=True,
)

REJECTED_EVENTS = Table(
    name="rejected_events",
    grain="one rejected event with every reason",
    key=("event_id",),
    columns=(
        _EVENT_ID,
        Column("record", StringType(), "The record as it was read"),
        _SOURCE,
        Column(
            "position",
            LongType(),
            "Place of the record in its source",
            unit="bytes or rows",
            checks=(between(0),),
        ),
        Column("reasons", REASONS, "Every rule that was broken"),
    ),
)

INTERACTIONS = Table(
    name="interactions",
    grain="one user and one item",
    key=("user_id", "item_id"),
    columns=(
        Column(
            "user_id", IntegerType(), "Dense id of the user, see `user_ids`", checks=(between(0),)
        ),
        Column(
            "item_id", IntegerType(), "Dense id of the item, see `item_ids`", checks=(between(0),)
        ),
        Column(
            "weight",
            FloatType(),
            "Sum of the events' weights after decay and cap",
            checks=(between(0),),
        ),
        Column("count", LongType(), "Events of the pair", unit="events", checks=(between(1),)),
        Column("first_time", TimestampType(), "First event of the pair", nullable=True, unit="UTC"),
        Column("last_time", TimestampType(), "Last event of the pair", nullable=True, unit="UTC"),
        Column(
            "split",
            StringType(),
            "Part of the global time split",
            checks=(one_of("train", "valid", "test"),),
        ),
    ),
)

SESSIONS = Table(
    name="sessions",
    grain="one session of one user as item ids, in time order",
    key=SENTENCES.key,
    columns=SENTENCES.columns,
)


def _ids(name: str, what: str) -> Table:
    return Table(
        name=name,
        grain=f"one {what} that ever had an id; ids are never reused",
        key=("id",),
        columns=(
            Column("id", IntegerType(), f"Dense id of the {what}", checks=(between(0),)),
            Column("key", StringType(), f"Key of the {what} in the events", checks=(not_blank(),)),
            Column("count", LongType(), "Training events", unit="events", checks=(between(0),)),
            Column("is_retired", BooleanType(), "True where the newest run kept no event of it"),
        ),
    )


USER_IDS = _ids("user_ids", "user")
ITEM_IDS = _ids("item_ids", "item")
