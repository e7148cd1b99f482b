"""Delta tables: read, replaced in one commit, or staged for one."""
