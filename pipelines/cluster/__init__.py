"""The Spark session and its executors: cores, memory, threads, progress, Delta's jars."""
