"""The report: published tables shown on one HTML page."""
