"""A question and a claim → the verdict."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice, permutations

from indexcalc.certificate import Certificate
from indexcalc.claims.case import Case
from indexcalc.claims.comparison import valued
from indexcalc.claims.counterexample import Shaped, counterexample
from indexcalc.claims.diagnosis import Search
from indexcalc.claims.formula import Formula, letters_of_name, unknown_names
from indexcalc.claims.names import Claim, Names
from indexcalc.claims.readings import Subject
from indexcalc.claims.right import Right
from indexcalc.claims.verdict import Verdict
from indexcalc.derivation import Derivation, Task
from indexcalc.errors import IndexcalcError
from indexcalc.language import syntax
from indexcalc.language.index_notation import Letters
from indexcalc.language.library import LIBRARY
from indexcalc.language.scope import size_names, walk
from indexcalc.language.syntax import Name, Syntax, letters_apart
from indexcalc.tensor.functions import wave

MOST_SIZES = 24
"""Ways to read the sizes in a claim that are tried."""


def checked(task: Task, names: Names, claim: Claim) -> Verdict:
    """What is to be said of a claim. Raises IndexcalcError for a claim that means nothing, and E490."""
    derivation = Derivation(task)
    certificate = Certificate(derivation)
    certificate.derivative()
    subject = Subject(derivation, certificate)
    cases: list[Case] = []
    refused: list[IndexcalcError] = []
    for tree, note in _spellings(claim, names, task):
        for case in _cases(subject, names, claim, tree):
            try:
                held = case.holds()
            except IndexcalcError as error:
                refused.append(error)
                continue
            if held is not None:
                fit, exact = held
                sentence = fit.reading.sentence
                notes = [*note, *_role_notes(case)]
                form = case.formula.form(case.formula.tree)
                return Verdict(
                    derivation, claim.text, form, True, fit.reading, sentence, exact, fit.letters, notes=notes
                )
            cases.append(case)
    fitting = [case for case in cases if case.misfit is None]
    if refused and not fitting:
        raise refused[0]
    return _refuted((fitting or cases)[0], claim)


def _refuted(case: Case, claim: Claim) -> Verdict:
    search = Search(case, Right(case))
    found = search.best()
    derivation, reading = case.subject.derivation, found.reading
    fit = next((fit for fit in search.fits if fit.reading == reading), None)
    variables = {s.name: n.shape for s, n in case.formula.reader.nodes.items() if s.meaning is None}
    claimed = None if fit is None else Shaped(reading.shape, valued(fit.steps))
    if fit is None and case.misfit is None and (own := case.formula.own(case.formula.tree)) is not None:
        claimed = Shaped(own.shape, valued(own.steps))
    right = Shaped(reading.shape, reading.value)
    points = case.comparison.points
    example = counterexample(points, variables, right, claimed) or counterexample(points, variables, right, None)
    if example is not None:
        example.inputs.update((name, _waved(name)) for name in case.formula.reader.scope.functions)
    return Verdict(
        derivation,
        claim.text,
        case.formula.form(case.formula.tree),
        False,
        reading,
        "wrong: " + found.diagnosis.text,
        True,
        () if fit is None else fit.letters,
        found.diagnosis,
        found.nearest,
        found.letters,
        found.where,
        example,
        _role_notes(case),
    )


def _waved(name: str) -> str:
    """What a function of the user's is in the counter-example."""
    rate, phase = wave(name)
    return f"sin({rate:g}*u + {phase:g})"


# ---------------------------------------------------------------------- what a claim's names stand for
def _cases(subject: Subject, names: Names, claim: Claim, tree: Syntax) -> Iterator[Case]:
    """A claim may name one tensor that the expression has not: the cotangent or the perturbation."""
    own = {i.name for i in subject.derivation.task.inputs}
    shapes = [subject.output, subject.last] if subject.derivation.is_derivative else []
    vectors = {d.name: d.shape for d in names.declared if d.name not in own and d.shape in shapes}
    letters: Letters | None = tuple(x for name in claim.left for x in letters_of_name(name)) or None
    unknown = unknown_names(names.reader(), claim.text, tree)
    if len(unknown) > 1 or (unknown and not shapes):
        span = unknown[-1].span
        spelled = claim.text[slice(*span)]
        help_ = "a claim has the names of its expression, and one for the cotangent or the perturbation"
        raise IndexcalcError("E312", f"`{spelled}` stands for nothing", span, help_)
    if not unknown:
        yield Case(subject, Formula(names.reader(), claim.text, tree, letters, {}), {}, vectors)
        return
    (new,) = unknown
    name = names.reader().scope.lookup(new)[1]
    if name == f"d{subject.derivation.task.wrt[-1].name}":
        shapes.reverse()
    for shape in dict.fromkeys(shapes):
        roles = {name: shape}
        yield Case(subject, Formula(names.reader(), claim.text, tree, letters, roles), roles, {**vectors, **roles})


def _role_notes(case: Case) -> list[str]:
    return [f"{name} is {' x '.join(map(str, shape)) or 'a scalar'}" for name, shape in case.roles.items()]


def _spellings(claim: Claim, names: Names, task: Task) -> Iterator[tuple[Syntax, list[str]]]:
    """The formula with run-together names apart; and with its size symbols as they were inferred, where the user has
    not declared them."""
    scope = names.reader().scope

    def apart(node: Syntax) -> list[Syntax] | None:
        word = isinstance(node, Name) and len(node.text) > 1 and node.text.isalpha() and scope.lookup(node)[0] is None
        known = word and isinstance(node, Name) and all(letter in scope.symbols for letter in node.text)
        return letters_apart(node) if known and isinstance(node, Name) else None

    tree = syntax.split_words(claim.tree, apart)
    yield tree, []
    used = list(dict.fromkeys(name for name in size_names(walk(tree)) if not name.isdigit()))
    assumed = [i for i in task.inputs if i.assumed]
    if not used or len(assumed) < len([i for i in task.inputs if i.rank != "elementwise"]):
        return
    symbols = sorted({str(size) for i in task.inputs for size in i.shape if not str(size).isdigit()})
    for chosen in islice(permutations(symbols, len(used)), MOST_SIZES):
        meant = dict(zip(used, chosen, strict=True))
        if any(a != b for a, b in meant.items()):
            notes = [f"the size {a} is read as {b}" for a, b in meant.items() if a != b]
            yield syntax.replaced(tree, lambda node, meant=meant: _resized(node, meant)), notes  # type: ignore[misc]


def _resized(node: Syntax, meant: Mapping[str, str]) -> Syntax:
    if isinstance(node, syntax.Call) and (row := LIBRARY.get(node.function)) is not None and row.sizes:
        own = (a._replace(text=meant.get(a.text, a.text)) if isinstance(a, Name) else a for a in node.arguments)
        return node._replace(arguments=tuple(own))
    return node
