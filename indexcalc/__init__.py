"""indexcalc: matrix and tensor derivatives, with every index in its place."""

from indexcalc.answer import Answer
from indexcalc.errors import IndexcalcError
from indexcalc.session import diff, differentiate, run, simplify
from indexcalc.tensor.nodes import clear_caches

__all__ = ["Answer", "IndexcalcError", "clear_caches", "diff", "differentiate", "run", "simplify"]
__version__ = "0.1.0"
