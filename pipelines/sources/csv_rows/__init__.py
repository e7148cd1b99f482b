"""Rows of CSV: records found and fields gathered by compiled kernels."""
