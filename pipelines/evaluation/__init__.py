"""Evaluation of staged spaces: word similarity, analogies, recommendations."""

from typing import TYPE_CHECKING

from pipelines.lazy import lazy_names

if TYPE_CHECKING:
    from pipelines.evaluation.config import (
        RecommendationEvaluationSettings,
        VectorEvaluationSettings,
    )
    from pipelines.evaluation.held_out_ranking import evaluate_recommendations
    from pipelines.evaluation.word_measures import evaluate_vectors
else:
    __getattr__ = lazy_names(
        __name__,
        {
            "config": ["RecommendationEvaluationSettings", "VectorEvaluationSettings"],
            "held_out_ranking": ["evaluate_recommendations"],
            "word_measures": ["evaluate_vectors"],
        },
    )

__all__ = [
    "RecommendationEvaluationSettings",
    "VectorEvaluationSettings",
    "evaluate_recommendations",
    "evaluate_vectors",
]
