"""Looking at what rules reject: documents of a table, and rules tried on a share of the input."""
