"""Records sifted as they are read: only those that are not plainly sound are judged by Spark."""
