"""The command line and the workflow runner."""
