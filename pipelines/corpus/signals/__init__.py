"""Every quality signal of documents, in one compiled pass over their bytes."""
