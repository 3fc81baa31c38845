"""Models: what depends on what, forward and backward, over steps whose number may be a symbol."""
