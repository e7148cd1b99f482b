"""Great Expectations: suites derived from contracts and limits, and validation by them."""

from typing import TYPE_CHECKING

from pipelines.lazy import lazy_names

if TYPE_CHECKING:
    from pipelines.expectations.validation import Outcome, validate, validate_measures
else:
    __getattr__ = lazy_names(__name__, {"validation": ["Outcome", "validate", "validate_measures"]})

__all__ = ["Outcome", "validate", "validate_measures"]
