"""Small runs of the jobs whose tables must survive a failure."""
