"""Tensor expressions to the forms that are printed: matrix, index and Kronecker form."""
