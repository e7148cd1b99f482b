"""The life of an embedding space: staged, held to its gate, published."""
