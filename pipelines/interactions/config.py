"""Settings of event cleaning and of building interactions."""

from datetime import UTC, date, datetime, time
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from pipelines.settings import GatedJobConfig, JobConfig, Outputs, Settings, StageSettings
from pipelines.sources.config import SourceSettings

MOST_WEIGHT = 1e12  # of an event: sums of millions still fit
Weight = Annotated[float, Field(ge=0, le=MOST_WEIGHT)]


def _instant(given: Any) -> Any:
    """Read a date or time; one without a zone is UTC, whatever the machine's zone."""
    if isinstance(given, str):
        given = datetime.fromisoformat(given)
    if isinstance(given, date) and not isinstance(given, datetime):
        given = datetime.combine(given, time())
    if isinstance(given, datetime):
        return given.astimezone(UTC) if given.tzinfo else given.replace(tzinfo=UTC)
    return given


Instant = Annotated[datetime, BeforeValidator(_instant)]


Layout = Literal["auto", "packed", "blocked"]


class EventInput(Settings):
    """What `clean_events` reads."""

    events: str | list[str]
    """Files, folders or a Delta table with raw events: a path, or a list of them."""


class EventOutputs(Outputs):
    """Tables of `clean_events`."""

    events: str
    """Kept events."""
    rejected_events: str
    """Rejected events with every reason."""
    rejected_files: str
    """Files that could not be read to their end."""
    run_counts: str
    """Rows in, out and rejected by reason."""


class EventColumns(Settings):
    """Fields of the raw records that hold what an event consists of."""

    user: str = "user"
    """Field of the user's key."""
    item: str = "item"
    """Field of the item's key."""
    time: str | None = "time"
    """Field of the time; null where the records have none, as ratings often."""
    event_type: str | None = "event_type"
    """Field of the kind of event; null, or a default name no record has, gives the default type."""
    value: str | None = "value"
    """Field of the rating, amount or quantity, where there is one."""
    event_id: str | None = "event_id"
    """Field that identifies an event; ids come from file and position where there is none."""


class EventSettings(SourceSettings):
    """Settings of cleaning events."""

    layout: Layout = "auto"
    """`packed`: one task holds all records that were read, and decides and writes with all its
    threads. `blocked`: records are dealt by user into buckets, each of which one task does, for
    those that fit no executor. `auto` decides by their size and an executor's memory; the tables
    are the same. Frames, and tables that tasks cannot write, are shuffled by Spark."""
    columns: EventColumns = EventColumns()
    """Names of the fields in the raw records."""
    default_event_type: str = Field(default="event", min_length=1)
    """Kind of an event that does not say its kind."""
    event_types: list[str] = Field(default_factory=list)
    """Kinds that are kept; empty keeps all."""
    time_format: str | None = None
    """Spark datetime pattern; null reads ISO 8601, or seconds, milli-, micro- or nanoseconds since
    1970 told apart by magnitude."""
    time_zone: str = "UTC"
    """Zone of times that do not say theirs, as Europe/Berlin or +02:00."""
    earliest_time: Instant | None = None
    """Events before this time (UTC where it has no zone) are rejected."""
    latest_time: Instant | None = None
    """Events after this time (UTC where it has no zone) are rejected."""
    min_value: float | None = None
    """Smallest value kept; an event without a value passes."""
    max_value: float | None = None
    """Largest value kept; an event without a value passes."""
    duplicate_window_seconds: float | None = Field(default=0, ge=0)
    """An event is a duplicate when the previous one of the same user, item, type and value is at
    most so many seconds older; null keeps repetitions."""
    max_events_per_user: int | None = Field(default=None, ge=1)
    """Events above which a user is taken for a bot and rejected whole; null rejects nobody."""
    max_rejected_share: float = Field(default=1.0, ge=0, le=1)
    """Largest share of rejected events before the job fails: an alarm for wrong settings."""


class CleanEventsConfig(EventSettings, GatedJobConfig):
    """Settings of `clean_events`, with its tables."""

    inputs: EventInput
    """Raw events."""
    outputs: EventOutputs
    """Tables written."""


class InteractionSettings(StageSettings):
    """Settings of building interactions."""

    layout: Layout = "auto"
    """`packed`: one task holds all events, and does the whole step with all its threads. `blocked`:
    events are dealt by user into buckets, each of which one task does, for those that fit no
    executor. `auto` decides by the size of the files and an executor's memory; the tables are the
    same. Frames, and tables that tasks cannot reach, are shuffled by Spark."""
    event_weights: dict[str, Weight] = Field(default_factory=dict)
    """Weight of one event by its type; 0 drops the type."""
    unlisted_event_weight: Weight = 1.0
    """Weight of an event whose type `event_weights` does not list; 0 drops it."""
    use_value_as_weight: bool = False
    """Whether an event's weight is multiplied by its value."""
    half_life_days: float | None = Field(default=None, gt=0)
    """Days before the last training event after which an event counts half; null never decays."""
    max_weight: float | None = Field(default=None, gt=0)
    """Largest weight of a pair; null sets no cap."""
    min_user_interactions: int = Field(default=1, ge=1)
    """Items a user needs in training, counted among the items that are kept (k-core)."""
    min_item_interactions: int = Field(default=1, ge=1)
    """Users an item needs in training, counted among the users that are kept (k-core)."""
    valid_share: float = Field(default=0.1, ge=0, lt=1)
    """Share of events, by global time, between the training and the test events."""
    test_share: float = Field(default=0.1, ge=0, lt=1)
    """Share of events, by global time, that are the latest."""
    session_gap_seconds: float = Field(default=1800, gt=0)
    """A longer pause of a user ends the session."""
    max_session_length: int = Field(default=50, ge=2)
    """Most items of a session; a longer one is cut into several."""
    min_session_length: int = Field(default=2, ge=1)
    """Fewest items of a session; shorter ones are left out."""

    @model_validator(mode="after")
    def _leave_training_events(self) -> Self:
        if self.valid_share + self.test_share >= 1:
            raise ValueError("valid_share and test_share together must leave training events")
        if self.min_session_length > self.max_session_length:
            raise ValueError("min_session_length must not exceed max_session_length")
        return self


class BuildInputs(Settings):
    """What `build_interactions` reads."""

    events: str
    """Clean events."""


class BuildOutputs(Outputs):
    """Tables of `build_interactions`."""

    interactions: str
    """Users and items with weight and part of the time split."""
    sessions: str
    """Sessions of training events as item ids."""
    user_ids: str
    """Users' dense ids; ids of an earlier run are kept."""
    item_ids: str
    """Items' dense ids; ids of an earlier run are kept."""
    run_counts: str
    """Rows in, out and rejected by reason."""


class BuildInteractionsConfig(InteractionSettings, JobConfig):
    """Settings of `build_interactions`, with its tables."""

    inputs: BuildInputs
    """Events."""
    outputs: BuildOutputs
    """Tables written."""
