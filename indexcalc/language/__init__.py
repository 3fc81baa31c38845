"""Text to tensor expressions: syntax, names, ranks and sizes, both notations."""
