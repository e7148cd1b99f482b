"""What raw files hold: formats, columns, the settings that read them, without Spark."""
