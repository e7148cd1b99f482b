"""Which columns of raw records an event consists of."""

from pipelines.interactions.config import EventColumns, EventSettings
from pipelines.sources.request import Field, Kind, own_fields
from schemas import EVENTS

_KINDS: dict[str, Kind] = {"time": "time", "value": "number", "event_type": "text"}
_REQUIRED = ("user", "item", "time")


def event_fields(settings: EventSettings) -> list[Field]:
    """Return the columns that are asked of raw records, those that `columns` sets.

    An optional one may be missing where its name is the default one.
    """
    defaults = {name: field.default for name, field in EventColumns.model_fields.items()}
    fields = [
        Field(
            field,
            path,
            _KINDS.get(field, "key"),
            setting=f"columns.{field}",
            is_required=field in _REQUIRED or path != defaults[field],
            zone=settings.time_zone,
            is_standard=settings.time_format is None,
        )
        for field, path in settings.columns.model_dump().items()
        if path is not None
    ]
    return [*fields, *own_fields(settings, [*EVENTS.column_names, *EventColumns.model_fields])]
