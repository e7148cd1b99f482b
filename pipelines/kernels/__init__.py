"""Compiled building blocks: how kernels are compiled and kept, small products, row steps, top-k."""
