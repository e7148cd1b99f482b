"""Raw bytes: decompressed, as UTF-8, as whole lines."""
