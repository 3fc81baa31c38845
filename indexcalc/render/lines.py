"""An answer as labelled lines: what the plain text, the terminal and LaTeX have in common."""

from __future__ import annotations
