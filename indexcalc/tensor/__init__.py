"""What a tensor expression is: nodes, their normal form, and the laws that hold between them."""

import indexcalc.tensor.laws  # noqa: F401  (fills the tables of laws)
