"""The steps from events to interactions, with the settings that each of them takes."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pipelines.interactions import k_core, pairs, sessions, weighing
from pipelines.interactions.config import BuildInteractionsConfig
from pipelines.interactions.weighing import EventsSurvey


def weigh(events: DataFrame, config: BuildInteractionsConfig) -> tuple[DataFrame, EventsSurvey]:
    """Weigh events and survey them."""
    weighed = weighing.weigh_events(
        events,
        event_weights=config.event_weights,
        unlisted_weight=config.unlisted_event_weight,
        use_value=config.use_value_as_weight,
    )
    return weighed, weighing.survey_events(weighed, listed_types=list(config.event_weights))


def split(
    weighed: DataFrame, survey: EventsSurvey, config: BuildInteractionsConfig
) -> tuple[DataFrame, int]:
    """Split the events that count by global time; return them with the last training time."""
    train_end, valid_end = weighing.cut_times(
        weighed, survey, valid_share=config.valid_share, test_share=config.test_share
    )
    return weighing.split_events(weighed, train_end=train_end, valid_end=valid_end), train_end


def pair(events: DataFrame, train_end: int, config: BuildInteractionsConfig) -> DataFrame:
    """Aggregate split events to pairs."""
    return pairs.aggregate_pairs(
        events,
        train_end=train_end,
        half_life_days=config.half_life_days,
        max_weight=config.max_weight,
    )


def core(train: DataFrame, config: BuildInteractionsConfig) -> DataFrame:
    """Keep the k-core of the training pairs."""
    return k_core.keep_core(
        train, min_user=config.min_user_interactions, min_item=config.min_item_interactions
    )


def session(
    events: DataFrame, users: DataFrame, items: DataFrame, config: BuildInteractionsConfig
) -> DataFrame:
    """Cut training events into sessions of any length."""
    return sessions.cut_sessions(
        events,
        users=users,
        items=items,
        gap_seconds=config.session_gap_seconds,
        max_length=config.max_session_length,
    )


def long_enough(cut: DataFrame, config: BuildInteractionsConfig) -> DataFrame:
    """Keep the sessions that have as many items as a session needs."""
    return cut.where(F.size("token_ids") >= config.min_session_length)
