"""The demo's source: documentation and calls of the Python installation it runs on."""
