"""Files that Python tasks read and write themselves."""
