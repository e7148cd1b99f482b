"""Evaluation of staged spaces: word similarity, analogies, recommendations."""

from typing import TYPE_CHECKING

from pipelines.lazy import lazy_names

if TYPE_CHECKING:
    from pipelines.evaluation.config import (
        RecommendationEvaluationSettings,
        VectorEvaluationSettings,
    )
    from pipelines.evaluation.recommendations import evaluate_recommendations
    from pipelines.evaluation.words import evaluate_vectors
else:
    __getattr__ = lazy_names(
        __name__,
        {
            "config": ["RecommendationEvaluationSettings", "VectorEvaluationSettings"],
            "recommendations": ["evaluate_recommendations"],
            "words": ["evaluate_vectors"],
        },
    )

__all__ = [
    "RecommendationEvaluationSettings",
    "VectorEvaluationSettings",
    "evaluate_recommendations",
    "evaluate_vectors",
]
