"""Contracts of the tables, from which schemas, expectations and the reference page are made."""

from schemas.corpus import (
    DOCUMENTS,
    DUPLICATE_DOCUMENTS,
    PHRASES,
    REJECTED_DOCUMENTS,
    REJECTED_FILES,
    SENTENCES,
    VOCABULARY,
)
from schemas.interactions import (
    EVENTS,
    INTERACTIONS,
    ITEM_IDS,
    REJECTED_EVENTS,
    SESSIONS,
    USER_IDS,
)
from schemas.table import Check, Column, Table
from schemas.vectors import (
    DOCUMENT_VECTORS,
    EMBEDDING_SPACES,
    NEIGHBOURS,
    QUALITY_METRICS,
    RECOMMENDATIONS,
    RUN_COUNTS,
    TRAINING_HISTORY,
    TUNING_RESULTS,
    VECTORS,
)

TABLES = {
    table.name: table
    for table in (
        DOCUMENTS,
        REJECTED_DOCUMENTS,
        DUPLICATE_DOCUMENTS,
        REJECTED_FILES,
        SENTENCES,
        VOCABULARY,
        PHRASES,
        EVENTS,
        REJECTED_EVENTS,
        INTERACTIONS,
        SESSIONS,
        USER_IDS,
        ITEM_IDS,
        VECTORS,
        DOCUMENT_VECTORS,
        TRAINING_HISTORY,
        QUALITY_METRICS,
        EMBEDDING_SPACES,
        NEIGHBOURS,
        RECOMMENDATIONS,
        TUNING_RESULTS,
        RUN_COUNTS,
    )
}
"""Every contract by its table's name."""

__all__ = [
    "DOCUMENTS",
    "DOCUMENT_VECTORS",
    "DUPLICATE_DOCUMENTS",
    "EMBEDDING_SPACES",
    "EVENTS",
    "INTERACTIONS",
    "ITEM_IDS",
    "NEIGHBOURS",
    "PHRASES",
    "QUALITY_METRICS",
    "RECOMMENDATIONS",
    "REJECTED_DOCUMENTS",
    "REJECTED_EVENTS",
    "REJECTED_FILES",
    "RUN_COUNTS",
    "SENTENCES",
    "SESSIONS",
    "TABLES",
    "TRAINING_HISTORY",
    "TUNING_RESULTS",
    "USER_IDS",
    "VECTORS",
    "VOCABULARY",
    "Check",
    "Column",
    "Table",
]
