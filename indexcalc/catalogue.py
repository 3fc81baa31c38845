"""TABLE: every error, one row a code: what the rule is and why, an input that breaks it, and inputs that keep it."""

from __future__ import annotations

from typing import NamedTuple


class Entry(NamedTuple):
    """An error. ``example`` and ``mended`` are statements, with the declarations that they need, or commands; a
    row without them has its example outside the language."""

    code: str
    title: str
    explanation: str
    example: str
    mended: tuple[str, ...]


TABLE = (
    # ------------------------------------------------------------------ E1xx: syntax
    Entry(
        "E101",
        "something is missing at the end",
        "The line ends where an operand is still expected. An operator such as + or * stands between two operands. "
        "A line goes on in the next one only while a bracket is open.",
        "x +",
        ("x + y",),
    ),
    Entry(
        "E102",
        "a sign or word does not fit here",
        "The text can be read up to this place, and what stands here cannot follow. The help says what was expected. "
        "Two numbers are never multiplied by standing side by side, for 2 3 is more often a slip than a product.",
        "x + * y",
        ("x + y", "x .* y"),
    ),
    Entry(
        "E103",
        "this character has no meaning",
        "The character belongs to no name, number or operator of the language. Names are made of letters, Greek "
        "letters, digits and subscripts. A dot stands only in numbers, in .* ./ .^ and in A.T.",
        "x ! y",
        ("x + y",),
    ),
    Entry(
        "E104",
        "a bracket is not closed, or closes nothing",
        "Round, square and curly brackets, bars |x| and double bars ‖x‖ come in pairs of one sort. The mark points at "
        "the bracket that has no partner.",
        "tanh(x + y",
        ("tanh(x + y)",),
    ),
    Entry(
        "E105",
        "two powers in a row",
        "a^b^c is (a^b)^c in some languages and a^(b^c) in others, and the two differ. Brackets say which is meant. "
        "The rule holds for .^ and ** too.",
        "c: scalar; c^2^3",
        ("c: scalar; (c^2)^3", "c: scalar; c^(2^3)"),
    ),
    Entry(
        "E106",
        "square brackets hold something that is no index",
        "Behind a name, square brackets hold indices, and indices are names: A[i,j]; or the step of a family of names, "
        "h[0] or h[t-1]. The entry A[1] of a given tensor is not part of the language, and empty brackets say nothing.",
        "A[2*i]",
        ("A[i,j]",),
    ),
    Entry(
        "E107",
        "the statement has the wrong form",
        "A statement is one expression, one definition `a = …`, one declaration `W: matrix(m, n)`, or one question "
        "about a derivative. Several of them stand on lines of their own, or between semicolons.",
        "x, y",
        ("x; y", "x, y: vector(n); x + y"),
    ),
    Entry(
        "E109",
        "a factor set beside a divisor",
        "In a/b c the factor c can belong above or below the line: people write both and mean different things. "
        "Brackets or an explicit * say which. Behind a number it is no question: 1/2 x is half of x.",
        "b, c: scalar; c/b x",
        ("b, c: scalar; c/b*x", "a, b, c: scalar; c/(a b)"),
    ),
    Entry(
        "E110",
        "a file cannot be read",
        "The file of statements does not exist, or may not be read. A single minus sign in place of a file means the "
        "standard input.",
        "indexcalc run no-such-file.ein",
        ("indexcalc run -",),
    ),
    Entry(
        "E111",
        "there is no such error",
        "`indexcalc explain` takes the code of an error: the letter E and three digits. Without a code it lists them "
        "all.",
        "indexcalc explain E999",
        ("indexcalc explain E203", "indexcalc explain"),
    ),
    Entry(
        "E112",
        "data cannot be used",
        "`--data` takes arrays of real numbers that numpy.save or numpy.savez wrote. Pickled objects are never loaded, "
        "for that would run whatever is in them. What a variable is declared to be, symmetric or positive, its data "
        "has to be.",
        "indexcalc eval c --let 'c: scalar positive' --data c=-1",
        ("indexcalc eval c --let 'c: scalar positive' --data c=1",),
    ),
    # ------------------------------------------------------------------ E2xx: indices, ranks, sizes
    Entry(
        "E201",
        "index notation and matrix notation are mixed",
        "As soon as one tensor of a statement has indices, the statement is in index notation, and every other vector "
        "or matrix needs its indices too. A transpose or .* has no place there: the order of indices says it. "
        "If what looks like indices is part of a name, as in W_hh, a declaration of that name settles it.",
        "h_t = tanh(W_hh h_{t-1} + b)",
        (
            "W_hh: matrix; h_t, h_{t-1}, b: vector; h_t = tanh(W_hh h_{t-1} + b)",
            "h_i = tanh(W_ij g_j + b_i)",
        ),
    ),
    Entry(
        "E202",
        "an index occurs too often",
        "Without a left-hand side an index that occurs twice in a product is summed over, and a third occurrence makes "
        "it unclear whether a sum or a product entry by entry is meant. There are two ways out: an explicit sum, or a "
        "left-hand side, which keeps the indices that it names. A left-hand side names each index once.",
        "x_i y_i w_i",
        ("sum_i(x_i y_i w_i)", "z_i = x_i y_i w_i", "x_i y_i w_i -> i"),
    ),
    Entry(
        "E203",
        "sizes do not fit",
        "In a matrix product the left side has as many columns as the right side has rows. Sums, differences and "
        "products entry by entry need equal shapes, and an index has the same size wherever it stands. "
        "Two sizes with different names count as different. The message says each side's shape and where it is from.",
        "A, B: matrix(m, n); A*B",
        ("A, B: matrix(m, n); A'*B", "A, B: matrix(m, n); A*B'", "A, B: matrix(m, n); A .* B"),
    ),
    Entry(
        "E204",
        "terms of a sum are of different kinds",
        "A row, a column and a matrix cannot be added: nothing is repeated silently to make them fit. Only a scalar is "
        "added to every entry. In index notation the terms of a sum have the same free indices, unless a left-hand "
        "side names them all.",
        "x, y: vector(n); x + y'",
        ("x, y: vector(n); x + y", "A: matrix(m, n); x: vector(m); A + x*ones(1, n)", "z_ij = x_i + y_j"),
    ),
    Entry(
        "E205",
        "this is no matrix product",
        "A vector is a column, and the product of two columns is none: x'*y is the dot product, x*y' the outer "
        "product, and x .* y the product entry by entry. A column stands to the right of a matrix, a row to the left.",
        "x, y: vector(n); x*y",
        ("x, y: vector(n); x'*y", "x, y: vector(n); x*y'", "x, y: vector(n); x .* y"),
    ),
    Entry(
        "E206",
        "a square matrix is needed",
        "Trace, determinant, inverse and whole powers exist for square matrices only: as many rows as columns. "
        "The products A'*A and A*A' of any matrix are square.",
        "A: matrix(m, n); tr(A)",
        ("A: matrix(n, n); tr(A)", "A: matrix(m, n); tr(A'*A)"),
    ),
    Entry(
        "E207",
        "division by a vector or a matrix",
        "The sign / divides by a scalar. To divide entry by entry write ./ instead. To solve with a square matrix "
        "multiply by its inverse, on the side where it is meant.",
        "x, y: vector(n); x/y",
        ("x, y: vector(n); x ./ y", "A: matrix(n, n); x: vector(n); inv(A)*x"),
    ),
    Entry(
        "E208",
        "a function has an argument of the wrong kind",
        "Every function takes certain kinds of arguments: the trace is of a matrix, the dot product of two vectors. "
        "Some take a second argument for matrices, 1 to work down the columns or 2 along the rows. "
        "`indexcalc functions` lists them.",
        "A: matrix(m, n); softmax(A)",
        ("A: matrix(m, n); softmax(A, 1)", "x: vector(n); softmax(x)"),
    ),
    Entry(
        "E209",
        "undeclared names can be read in two ways",
        "Names without a declaration are guessed: a capital is a matrix, a small letter a vector, a Greek letter a "
        "scalar, as far as the operators allow. Here two readings are equally good, and they differ. "
        "Declaring one of the names decides.",
        "v*w",
        ("v: scalar; v*w", "v: vector(n); v*w", "v'*w"),
    ),
    Entry(
        "E210",
        "a power with indices behind it",
        "A^2_ij can be the entry of the squared matrix or the square of the entry, and the two differ. Brackets around "
        "the power mean the matrix; a power behind the indices means the entry.",
        "A^2_ij",
        ("(A^2)_ij", "A_ij^2"),
    ),
    Entry(
        "E211",
        "a tensor has the wrong number of indices",
        "In index notation a tensor has one index for each axis: none for a scalar, one for a vector, two for a "
        "matrix. The number is fixed by the declaration, or where the name first occurs.",
        "A: matrix(m, n); A_i",
        ("A: matrix(m, n); A_ij", "A: matrix(m, n); sum_j(A_ij)"),
    ),
    Entry(
        "E212",
        "upper indices",
        "There is no metric here, and so no difference between upper and lower indices: all are written below. "
        "What stands above is an exponent.",
        "A^i_j",
        ("A_ij",),
    ),
    Entry(
        "E213",
        "a sum over an index that does not occur",
        "A sum runs over an index of the expression in its brackets. Where that index is missing, the sum would "
        "multiply by a size, and it is more likely that the index is misspelt.",
        "sum_k(A_ij)",
        ("sum_j(A_ij)",),
    ),
    Entry(
        "E214",
        "a power of a matrix-valued function",
        "tanh(A)^2 can be the square of each entry or the product of the matrix with itself. Write .^ for the entries, "
        "or write the product out.",
        "A: matrix(n, n); tanh(A)^2",
        ("A: matrix(n, n); tanh(A).^2", "A: matrix(n, n); tanh(A)*tanh(A)"),
    ),
    Entry(
        "E215",
        "an exponent is no scalar",
        "The exponent of ^ is a scalar. With .^ base and exponent may be two vectors or matrices of the same shape, "
        "and in index notation both may have indices.",
        "x, y: vector(n); x^y",
        ("x, y: vector(n); x.^y", "z_i = x_i^(y_i)"),
    ),
    Entry(
        "E216",
        "a tensor of order three or more in matrix notation",
        "Matrix notation has scalars, vectors and matrices only. A product with a tensor of more axes has to say which "
        "axis it sums over, and that takes indices.",
        "T: tensor(m, n, p); x: vector(p); T*x",
        ("T: tensor(m, n, p); x: vector(p); T_ijk x_k",),
    ),
    Entry(
        "E217",
        "a gradient of something that is no scalar",
        "A gradient and a Hessian are of a scalar: they have the shape of the variable, and of the variable twice. "
        "What has axes has a derivative with more axes, or for a given cotangent a pullback.",
        "A: matrix(m, n); x: vector(n); grad(A*x, x)",
        (
            "A: matrix(m, n); x: vector(n); grad(sum(A*x), x)",
            "A: matrix(m, n); x: vector(n); y = A*x; d y / d x",
            "A: matrix(m, n); x: vector(n); vjp(A*x, x, g)",
        ),
    ),
    Entry(
        "E218",
        "a size that the expression does not have",
        "`--size m=1000` gives a size symbol of the expression a number. The symbols are those of the declarations, or "
        "of what was assumed of undeclared names; the help lists them.",
        "indexcalc path A*B*x --size q=3",
        ("indexcalc path A*B*x --size m=3", 'indexcalc path A*B*x --let "A: matrix(q, r)" --size q=3'),
    ),
    # ------------------------------------------------------------------ E3xx: names and functions
    Entry(
        "E302",
        "the function is not known",
        "An undeclared name right before a bracket is a function, and this is none that is known. If it is misspelt, "
        "the help names the nearest one. If a product is meant, write * before the bracket. A function of your own is "
        "declared, f: elementwise.",
        "tahn(x)",
        ("tanh(x)", "t*(x + y)", "f: elementwise; f(x)"),
    ),
    Entry(
        "E303",
        "a function has the wrong arguments",
        "Every function takes a certain number of arguments, and some take only certain values: the axis of sum and "
        "softmax is 1 or 2, and ones, zeros and eye take sizes. `indexcalc functions` lists them.",
        "tanh(x, y)",
        ("tanh(x)",),
    ),
    Entry(
        "E304",
        "a derivative by something that is no variable",
        "A derivative is by a variable of the expression: a name, not a number, a function, a size or a larger "
        "expression. To differentiate by a part of an expression, give that part a name first.",
        "d (x'*x) / d (2 x)",
        ("L = x'*x; d L / d x", "z = A*x; L = z'*z; d L / d z"),
    ),
    Entry(
        "E305",
        "the name stands for something already",
        "A name has one meaning throughout a file: it is declared once and defined once. The later statements would "
        "otherwise depend on where they stand.",
        "x: vector(n); x: vector(m)",
        ("x: vector(n); y: vector(m); A: matrix(m, n); A*x + y",),
    ),
    Entry(
        "E306",
        "one name or a product",
        "Wx can be the name of one thing or the product of W and x. Undeclared words are single names, but a capital "
        "with a small letter behind it is more often a product. A blank or a declaration settles it.",
        "Wx + b",
        ("W x + b", "Wx: vector(n); Wx + b"),
    ),
    Entry(
        "E307",
        "the kind in a declaration is not understood",
        "A declaration is `NAME: KIND` with a kind such as scalar, vector(n), matrix(m, n), tensor(m, n, p), "
        "symmetric(n), spd(n) or diagonal(n). A size is a symbol or a whole number that is not zero. "
        "A kind without sizes leaves them open.",
        "A: matrix(n); A",
        ("A: matrix(m, n); A", "A: matrix; A", "A: symmetric(n); A"),
    ),
    Entry(
        "E308",
        "a function without its brackets",
        "A function has its argument in brackets: sin x would be a product of two names. If the name is meant to be a "
        "variable, a declaration makes it one.",
        "sin x",
        ("sin(x)", "sin: scalar; sin x"),
    ),
    Entry(
        "E309",
        "defined by itself",
        "A definition or a function may use others, in any order, but in the end they rest on variables: what is "
        "defined by way of itself has no value. A recurrence over time has a name for each step.",
        "f(x) = f(x) + 1; f(y)",
        ("f(x) = x + 1; f(y)", "h1 = tanh(W h0); h2 = tanh(W h1); h2"),
    ),
    Entry(
        "E310",
        "what this uses has a mistake",
        "The name is defined in another line of the file, and that line is reported with a mistake of its own. This "
        "one can be answered once that one is mended.",
        "x, y: vector(n); w = u + 1; u = x*y; w",
        ("x, y: vector(n); w = u + 1; u = x .* y; w",),
    ),
    Entry(
        "E311",
        "a step outside of the range",
        "A family of names such as h[0], h[1], … has the steps that definitions and loops give it. A step before the "
        "first or behind the last has no value; most often the first one is missing, h[0] = h0.",
        "h[0] = x; h[t] = tanh(W*h[t-1]) for t = 1..3; h[4]",
        ("h[0] = x; h[t] = tanh(W*h[t-1]) for t = 1..4; h[4]",),
    ),
    Entry(
        "E312",
        "a name in a claim stands for nothing",
        "A claim uses the names of its expression, and of what was declared or defined before. Besides, it may have "
        "one name of its own, for the cotangent or the perturbation, such as G or dx. A second one would be left "
        "without a meaning.",
        "A: matrix(m, n); x: vector(n); d (A*x) / d x == G*A*Z",
        (
            "A: matrix(m, n); x: vector(n); d (A*x) / d x == A'*G",
            "A, Z: matrix(m, n); x: vector(n); d (A*x) / d x == A + Z - Z",
        ),
    ),
    Entry(
        "E313",
        "a variable without data",
        "To evaluate an expression every variable needs numbers: an array from a file, random ones, or for a scalar a "
        "number. Sizes are read off the arrays; one that no array has is given with --size.",
        "indexcalc eval A*x --data 'A=random(3, 4)'",
        ("indexcalc eval A*x --data 'A=random(3, 4)' --data x=random",),
    ),
    # ------------------------------------------------------------------ E4xx: not differentiable, not supported
    Entry(
        "E402",
        "a power of a matrix that is not whole",
        "A square matrix has whole powers: A^3 is A*A*A, and A^-1 is the inverse. Other powers of a matrix are not "
        "supported. The power of each entry is written .^ and may be any number.",
        "A: matrix(n, n); A^0.5",
        ("A: matrix(n, n); A.^0.5", "A: matrix(n, n); A^3"),
    ),
    Entry(
        "E403",
        "a loop without known steps",
        "A loop, h[t] = … for t = 1..T, runs between whole numbers, or from one to a length such as T; a definition "
        "may give T a number. Of a length that stays a symbol gradients and products with a vector can be asked. There "
        "are no questions in loops and no sums to a length inside them, and only sums run over steps in an expression.",
        "h[0] = x; h[t] = tanh(W*h[t-1]) for t = 1..3/2; h[1]",
        ("T = 2; h[0] = x; h[t] = tanh(W*h[t-1]) for t = 1..T; h[2]",),
    ),
    Entry(
        "E404",
        "this is not supported yet",
        "The input is understood and has a meaning in the language, but the program cannot work with it yet. "
        "The message names the part in question, and the help says how to do without it where there is a way.",
        "A: matrix(m, n); reshape(A)",
        ("A: matrix(m, n); A'",),
    ),
    Entry(
        "E405",
        "a value is not defined",
        "The expression contains a value that does not exist among real numbers: a division by zero, the logarithm of "
        "zero, a root of a negative number, the inverse of a zero matrix. It is found while simplifying, so the zero "
        "may be hidden, as in c - c.",
        "x/(c - c)",
        ("c, t: scalar; x/(c - t)",),
    ),
    Entry(
        "E406",
        "a claim cannot be decided",
        "A claim and a derivative that no law shows to be equal are compared in numbers, at several points. Here no "
        "point was found at which both have a value, as with the logarithm of a negative number.",
        "x: vector(n); d log(-1 - x.^2) / d x == diag(2*x ./ (x.^2 + 1) + log(-2 - x.^2))",
        ("x: vector(n); d log(1 + x.^2) / d x == diag(2*x ./ (1 + x.^2))",),
    ),
    Entry(
        "E490",
        "an answer failed its own check, and is withheld",
        "Every answer is checked before it is shown: its forms against each other, and against numbers. This one did "
        "not pass, so it is not shown. That is an error in the program and none in the input; please report it.",
        "",
        (),
    ),
    Entry(
        "E491",
        "the program itself failed",
        "Something happened that the program does not expect. That is an error in the program and none in the input; "
        "please report the input.",
        "",
        (),
    ),
    # ------------------------------------------------------------------ E5xx: limits
    Entry(
        "E501",
        "the statement is too long",
        "A statement has at most 100,000 characters, so that work stays bounded. Definitions split a long statement "
        "into several.",
        "x + " * 25_000 + "x",
        ("y = x + x; y + y",),
    ),
    Entry(
        "E502",
        "brackets are nested too deeply",
        "At most 64 brackets may be open at once, so that work stays bounded. Definitions give the inner parts a name.",
        "(" * 65 + "x" + ")" * 65,
        ("y = tanh(x); tanh(y)",),
    ),
    Entry(
        "E503",
        "too many undeclared names",
        "Ranks of undeclared names are guessed by comparing readings of the whole statement, and here there are too "
        "many of them. Declaring some of the names leaves fewer.",
        "*".join(f"a{k}" for k in range(40)),
        (", ".join(f"a{k}" for k in range(40)) + ": scalar; " + "*".join(f"a{k}" for k in range(40)),),
    ),
    Entry(
        "E504",
        "the power of the matrix is too high",
        "A power of a matrix is worked out as a product of that many factors, at most 16, so that work stays bounded. "
        "The same holds for powers of the inverse.",
        "A: matrix(n, n); A^17",
        ("A: matrix(n, n); A^16",),
    ),
    Entry(
        "E505",
        "the order of the derivative is not supported",
        "Derivatives of order 1 and 2 are supported. A derivative of higher order has as many more axes, and few are "
        "readable.",
        "c: scalar; d^3 c / d c^3",
        ("c: scalar; d^2 c / d c^2",),
    ),
    Entry(
        "E506",
        "a number has too many digits",
        "Numbers are exact, as long as needed up to a limit that keeps work bounded. Let a variable stand for a number "
        "that is longer.",
        "2^1000000",
        ("2^100", "c: scalar; c^1000000"),
    ),
    Entry(
        "E507",
        "a product has too many factors",
        "A product has at most 64 factors, so that work stays bounded. Definitions split it into several.",
        "c: scalar; " + "c " * 65,
        ("c: scalar; b = c c c c; b b b b",),
    ),
    Entry(
        "E508",
        "the functions are too long when written out",
        "A call of a function that you defined stands for its body. Functions that call others several times grow "
        "fast; written out, a statement has at most 20,000 parts, so that work stays bounded.",
        "f(x) = x + x; g(x) = f(f(f(f(x)))); h(x) = g(g(g(g(x)))); h(y)",
        ("f(x) = x + x; z = f(f(y)); f(f(z))",),
    ),
    Entry(
        "E509",
        "a loop has too many steps",
        "A loop is written out step by step, and has at most 4,096 of them, so that work stays bounded. What a "
        "recurrence does is as well seen on a few steps.",
        "h[0] = x; h[t] = tanh(h[t-1]) for t = 1..5000; h[1]",
        ("h[0] = x; h[t] = tanh(h[t-1]) for t = 1..50; h[1]",),
    ),
    Entry(
        "E510",
        "this needs more memory than there is",
        "Before arrays are made, the memory that they will take is estimated. A Jacobian or a Hessian can be far "
        "larger than its variables; a pullback or a Hessian-vector product has only their size. With --force it starts "
        "all the same.",
        "indexcalc eval A*x --wrt A --data 'A=random(3000, 3000)' --data x=random",
        ("indexcalc eval A*x --wrt A --form pullback --data 'A=random(3, 4)' --data x=random --data G=random",),
    ),
)

CODES = {entry.code: entry for entry in TABLE}


def entry(code: str) -> Entry | None:
    """The row of a code, in capitals or not; None where there is none."""
    return CODES.get(code.upper())
