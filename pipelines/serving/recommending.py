"""Plan of recommendations: the layout is chosen, and tasks rank when the table is written."""

from collections.abc import Mapping
from dataclasses import dataclass

from pipelines.serving.blocked_recommendations import blocked_recommendations
from pipelines.serving.config import RecommendSettings
from pipelines.serving.packed_recommendations import PackedRanking, PackedRecommendations
from pipelines.serving.ranking_layout import RankingLayout, choose_layout
from pipelines.serving.recommendations import choose_users
from pipelines.storage.task_files.columns import Columns
from pipelines.storage.task_files.pieces import PiecewiseTable


@dataclass(frozen=True)
class PlannedRecommendations:
    """Recommendations that are computed when their table is written or read.

    Args:
        table: Rows of `recommendations`, computed when they are written or read.
        layout: The layout, and the reason for it.
        unknown: Keys of `settings.users` without a vector.
    """

    table: PiecewiseTable
    layout: RankingLayout
    unknown: list[str]


def plan_recommendations(
    tables: Mapping[str, Columns], settings: RecommendSettings, *, stored_as: str = "parquet"
) -> PlannedRecommendations:
    """Choose the layout, and plan the exact best unseen items of each user.

    Args:
        tables: `packed_recommendations.COLUMNS` of `vectors` (one space), `interactions`,
            `user_ids` and `item_ids`.
        settings: Settings.
        stored_as: Format of the table that is written, `delta` or `parquet`.

    Raises:
        ConfigError: As raised by `choose_layout`.
        InputError: No user of the settings has a vector, no item is left, the items do not fit, or
            the table mixes spaces; with layout `packed` the task raises all but the first.
    """
    layout = choose_layout(tables, settings, stored_as=stored_as)
    users, unknown = choose_users(tables["vectors"].frame, settings.users)
    if layout.layout == "blocked":
        table: PiecewiseTable = blocked_recommendations(users, tables, settings)
        return PlannedRecommendations(table, layout, unknown)
    files = {name: columns.files for name, columns in tables.items()}
    task = PackedRanking(files, settings, layout.threads)
    return PlannedRecommendations(PackedRecommendations(users.sparkSession, task), layout, unknown)
