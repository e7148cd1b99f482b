"""Compiled kernels: how they are compiled and cached, small products, row updates, top-k."""
