"""Raw events to interactions, sessions and stable ids."""

from typing import TYPE_CHECKING

from pipelines.lazy import lazy_names

if TYPE_CHECKING:
    from pipelines.interactions.building import build_interactions
    from pipelines.interactions.cleaning import clean_events
    from pipelines.interactions.config import EventColumns, EventSettings, InteractionSettings
else:
    __getattr__ = lazy_names(
        __name__,
        {
            "building": ["build_interactions"],
            "cleaning": ["clean_events"],
            "config": ["EventColumns", "EventSettings", "InteractionSettings"],
        },
    )

__all__ = [
    "EventColumns",
    "EventSettings",
    "InteractionSettings",
    "build_interactions",
    "clean_events",
]
