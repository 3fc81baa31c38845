"""Tensor expressions to numbers."""
