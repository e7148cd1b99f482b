"""Documents judged and written by the tasks that read: only what is lost is written anew."""
