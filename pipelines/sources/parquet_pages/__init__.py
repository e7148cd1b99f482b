"""Columns of strings of Parquet files, decoded from their pages straight to Arrow's strings."""
