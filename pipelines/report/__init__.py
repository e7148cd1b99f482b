"""The report: published tables on one HTML page."""
