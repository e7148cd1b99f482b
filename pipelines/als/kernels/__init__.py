"""Compiled solvers of one row's least squares, and the loop over rows."""
