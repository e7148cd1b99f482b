"""Raw input files: which there are, and their records with the place each came from."""
