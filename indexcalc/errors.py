"""The one exception that an input can cause."""

from __future__ import annotations

Span = tuple[int, int]
"""Code points of the input, half open."""


class IndexcalcError(Exception):
    """An input that was rejected.

    ``code`` is stable: E1xx syntax, E2xx indices, ranks and sizes, E3xx names and functions, E4xx not
    differentiable or unsupported, E5xx limits. ``span`` counts code points of ``text``, half open;
    ``help`` says which change would mend it, where one would.
    """

    def __init__(self, code: str, message: str, span: Span = (0, 0), help: str | None = None, text: str = "") -> None:
        super().__init__(message)
        self.code, self.message, self.span, self.help, self.text = code, message, span, help, text

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"

    def located(self, text: str) -> IndexcalcError:
        """The error with the text that it is in, whole where no place in it is known."""
        if not self.text:
            self.text = text
            if self.span == (0, 0):
                self.span = (0, len(text))
        return self

    def to_dict(self) -> dict[str, object]:
        return {"code": self.code, "message": self.message, "span": list(self.span), "help": self.help}
