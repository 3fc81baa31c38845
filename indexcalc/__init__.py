"""indexcalc: matrix and tensor derivatives, with every index in its place."""

from indexcalc.answer import Answer
from indexcalc.claims.verdict import Verdict
from indexcalc.errors import IndexcalcError
from indexcalc.session import check, diff, differentiate, run, simplify, verdicts
from indexcalc.tensor.nodes import clear_caches

__all__ = [
    "Answer",
    "IndexcalcError",
    "Verdict",
    "check",
    "clear_caches",
    "diff",
    "differentiate",
    "run",
    "simplify",
    "verdicts",
]
__version__ = "0.1.0"
