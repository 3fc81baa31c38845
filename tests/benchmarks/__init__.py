"""Time against time, measured in one run; only when asked for: ``pytest -m benchmark -s``."""
