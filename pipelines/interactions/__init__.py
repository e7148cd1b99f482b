"""Raw events to interactions, sessions and stable ids."""
