"""Layout `blocked`: events dealt by user into buckets, each of which one task does."""
