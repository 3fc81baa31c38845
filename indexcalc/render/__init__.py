"""Forms to text: one file a format."""
