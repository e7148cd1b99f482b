"""The steps from events to interactions, with the settings that each of them takes."""

from pyspark import StorageLevel
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pipelines.errors import InputError
from pipelines.interactions import identities, k_core, pairs, sessions, weighing
from pipelines.interactions.config import InteractionSettings
from pipelines.interactions.weighing import EventsSurvey
from schemas import INTERACTIONS, ITEM_IDS, SESSIONS, USER_IDS


def build_interactions(
    events: DataFrame,
    settings: InteractionSettings,
    *,
    user_ids: DataFrame | None = None,
    item_ids: DataFrame | None = None,
) -> dict[str, DataFrame]:
    """Weigh, split and pair events, keep the core, number users and items, cut sessions.

    The pairs of user and item stay persisted on disk.

    Args:
        events: Rows of `events`; other columns are not read.
        settings: Of all steps.
        user_ids: Ids of an earlier run, which are kept.
        item_ids: Likewise.

    Returns:
        Rows of `interactions`, `user_ids`, `item_ids` and `sessions` by these names.

    Raises:
        InputError: No event has a weight.
        GateError: The core is empty.
    """
    weighed, survey = weigh(events, settings)
    parts, train_end = split(weighed, survey, settings)
    paired = pair(parts, train_end, settings).persist(StorageLevel.DISK_ONLY)
    train = pairs.training_pairs(paired)
    kept = core(train, settings)
    known: dict[identities.EntitySide, DataFrame | None] = {"user": user_ids, "item": item_ids}
    ids = {
        entity: identities.assign_ids(
            identities.count_training_events(kept, entity=entity), known=earlier
        )
        for entity, earlier in known.items()
    }
    users, items = (identities.training_keys(train, ids[name], entity=name) for name in known)
    labelled = pairs.label_pairs(paired, users=users, items=items)
    return {
        INTERACTIONS.name: pairs.select_interactions(labelled),
        USER_IDS.name: ids["user"],
        ITEM_IDS.name: ids["item"],
        SESSIONS.name: long_enough(session(parts, users, items, settings), settings),
    }


def weigh(events: DataFrame, settings: InteractionSettings) -> tuple[DataFrame, EventsSurvey]:
    """Weigh events and survey them; where none has a time, all are training events.

    Raises:
        InputError: No event has a weight, or none has a time and a setting needs times.
    """
    weighed, survey = _weigh(events, settings, needs_time=True)
    if survey.kept == 0 and "has_time" in survey.rejected:
        require_no_times(settings)
        weighed, survey = _weigh(events, settings, needs_time=False)
    survey.require_events()
    return weighed, survey


def _weigh(
    events: DataFrame, settings: InteractionSettings, *, needs_time: bool
) -> tuple[DataFrame, EventsSurvey]:
    weighed = weighing.weigh_events(
        events,
        event_weights=settings.event_weights,
        unlisted_weight=settings.unlisted_event_weight,
        use_value=settings.use_value_as_weight,
        needs_time=needs_time,
    )
    return weighed, weighing.survey_events(weighed, listed_types=list(settings.event_weights))


def require_no_times(settings: InteractionSettings) -> None:
    """Refuse settings that need times, where no event has one.

    Raises:
        InputError: With the settings.
    """
    wanted = {"valid_share": 0, "test_share": 0, "half_life_days": None}
    needing = [name for name, value in wanted.items() if getattr(settings, name) != value]
    if needing:
        raise InputError(
            f"inputs.events: no event has a time, which {' and '.join(needing)} need; set "
            "valid_share: 0, test_share: 0 and half_life_days: null, or name the time in "
            "columns.time of clean_events"
        )


def split(
    weighed: DataFrame, survey: EventsSurvey, settings: InteractionSettings
) -> tuple[DataFrame, int]:
    """Split the events that count by global time; return them with the last training time."""
    train_end, valid_end = weighing.cut_times(
        weighed, survey, valid_share=settings.valid_share, test_share=settings.test_share
    )
    return weighing.split_events(weighed, train_end=train_end, valid_end=valid_end), train_end


def pair(events: DataFrame, train_end: int, settings: InteractionSettings) -> DataFrame:
    """Aggregate split events to pairs."""
    return pairs.aggregate_pairs(
        events,
        train_end=train_end,
        half_life_days=settings.half_life_days,
        max_weight=settings.max_weight,
    )


def core(train: DataFrame, settings: InteractionSettings) -> DataFrame:
    """Keep the k-core of the training pairs."""
    return k_core.keep_core(
        train, min_user=settings.min_user_interactions, min_item=settings.min_item_interactions
    )


def session(
    events: DataFrame, users: DataFrame, items: DataFrame, settings: InteractionSettings
) -> DataFrame:
    """Cut training events into sessions of any length."""
    return sessions.cut_sessions(
        events,
        users=users,
        items=items,
        gap_seconds=settings.session_gap_seconds,
        max_length=settings.max_session_length,
    )


def long_enough(cut: DataFrame, settings: InteractionSettings) -> DataFrame:
    """Keep the sessions that have as many items as a session needs."""
    return cut.where(F.size("token_ids") >= settings.min_session_length)
