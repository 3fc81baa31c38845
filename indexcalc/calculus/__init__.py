"""Derivatives of tensor expressions."""
