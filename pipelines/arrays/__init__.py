"""NumPy and Arrow arrays: lists of different lengths, matrices, grouping, batching, hashing."""
