"""The command line: no mathematics."""
