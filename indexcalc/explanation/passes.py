"""The explanation of a backward pass: what each right side passes back to what, and what the steps do to it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

from indexcalc.answer import Answer
from indexcalc.backprop.adjoints import Share
from indexcalc.backprop.model import Equation, variables_of
from indexcalc.backprop.passes import Passes
from indexcalc.derivation import Input, Task
from indexcalc.explanation.explained import Explanation
from indexcalc.explanation.formats import Page, Told, steps
from indexcalc.explanation.narrative import WHY
from indexcalc.explanation.steps import Group
from indexcalc.tensor.nodes import Node, Variable, number

SHORT = ("Derivative", "Pullback", "Gradient", WHY)
"""The groups of a step's own explanation that are told; with ``full`` all but how it is read."""
RANKS = ("scalar", "vector", "matrix")


class PassesExplanation(Told):
    """How a backward pass comes about: a pullback for each use of a name, then the steps. Every method raises
    IndexcalcError E490 where something does not hold."""

    def __init__(self, passes: Passes, style: str = "index") -> None:
        self.passes, self.style = passes, style

    @property
    def title(self) -> str:
        """What is explained."""
        return self.passes.title("∂")

    # ------------------------------------------------------------------ the parts
    @cached_property
    def parts(self) -> list[tuple[str, Explanation]]:
        """For each right side, the last first, and each name in it that is passed something: how."""
        found: dict[tuple[Node, Variable], tuple[str, Explanation]] = {}
        model, shares = self.passes.model, self.passes.backward.shares
        for equation in reversed(model.equations):
            for share in (share for own in shares.values() for share in own):
                if share.source is equation.left:
                    for term in equation.terms:
                        key = (term.node, share.used)
                        if share.used in variables_of(term.node) and key not in found:
                            heading = f"From {equation.name} back to {share.used.name}"
                            found[key] = heading, Explanation(self._answer(equation, term.node, share), self.style)
        return list(found.values())

    def _answer(self, equation: Equation, node: Node, share: Share) -> Answer:
        """The pullback of one right side to a name in it."""
        model, backward = self.passes.model, self.passes.backward
        own = backward.given.get(equation.name)
        cotangent: Node = model.prefixed(equation.left, backward.prefix) if own is None else own
        plain = cotangent is number(1)
        inputs = [self._input(v) for v in variables_of(node)]
        inputs += [self._input(v) for v in variables_of(cotangent) if v not in variables_of(node)]
        named = any(term.extent is not None for term in equation.terms)
        task = Task(
            text=self.passes.asking.text,
            form="diff" if plain else "vjp",
            output=node,
            wrt=(share.used,),
            twins={v: twin for v, twin in model.twins.items() if v in variables_of(node)},
            vector=None if plain else cotangent,
            name="" if named else equation.name,
            inputs=tuple(inputs),
            notes=(),
            typed=model.typed,
            defined={},
            letters=((), ()),
            preferred=(),
            layout="numerator",
            line=self.passes.asking.line,
            taken=frozenset(i.name for i in inputs),
        )
        return Answer(task)

    def _input(self, v: Variable) -> Input:
        known = next((i for i in self.passes.model.inputs if i.name == v.name), None)
        rank = RANKS[len(v.shape)] if len(v.shape) < len(RANKS) else "tensor"
        return known or Input(v.name, v.name, rank, (), v.shape, False)

    # ------------------------------------------------------------------ what it says
    def groups(self, full: bool = False) -> Iterator[Group]:
        """The explanation, in order."""
        passes = self.passes
        told = [passes.declaration(i) for i in passes.model.inputs]
        yield Group("How it is read", [", ".join(told), *passes.report.notes])
        yield Group("Forward", passes.forward)
        for heading, explanation in self.parts:
            for group in explanation.groups:
                if group.heading.startswith(SHORT) or (full and group.heading not in ("How it is read", "Answer")):
                    yield group._replace(heading=f"{heading}: {group.heading[0].lower()}{group.heading[1:]}")
        yield Group("Put together", list(self._together()))
        yield Group("Backward", passes.adjoints)
        yield Group("Proof", [passes.proved])

    def _together(self) -> Iterator[str]:
        """What the uses of one name add up to, in sentences."""
        passes, model = self.passes, self.passes.model
        wanted = {model.unit(i.name) for i in passes.wanted}
        for unit, shares in passes.backward.shares.items():
            family = model.family(unit)
            sources = list(dict.fromkeys(_source(share, model.step) for share in shares))
            if family and unit in {model.unit(e.name) for e in model.equations}:
                name = f"{family}[{model.step}]"
                yield (
                    f"{name} is used in {_listed(sources)}: its adjoint {passes.backward.prefix}{name} is the sum of "
                    "what each passes back."
                )
            elif not family and unit in wanted:
                loops = [share for share in shares if share.term.extent is not None]
                if loops:
                    each = " and ".join(dict.fromkeys(f"over {s.term.extent.text[4:]}" for s in loops if s.term.extent))
                    yield f"{unit} is one for all steps: its gradient is the sum of what they pass back, {each}."
        extents = [e.extent for e in passes.backward.equations if e.extent is not None and e.extent.down]
        if extents:
            yield (
                f"Backward the steps run from {extents[0].first.text} to {extents[0].last.text}, for an adjoint needs "
                "that of the step after it; behind the last step there is none, which is why its equation is another."
            )

    # ------------------------------------------------------------------ formats
    def page(self, full: bool = False) -> Page:
        """What formats are made from."""
        self.verified  # noqa: B018
        return Page(self.title, list(self.groups(full)), full)

    @property
    def verified(self) -> bool:
        """Whether every step is proved. Raises IndexcalcError E490 for one that does not hold."""
        exact = bool(self.passes.verified["exact"])
        return all(explanation.verified for _, explanation in self.parts) and exact

    @property
    def why(self) -> list[str]:
        """Why the results look as they do, in sentences."""
        return [sentence for _, explanation in self.parts for sentence in explanation.why] + list(self._together())

    def to_dict(self) -> dict[str, Any]:
        """The JSON object: ``steps``, ``why``, and the program."""
        return {
            "schema": 1,
            "line": self.passes.asking.line,
            "input": self.passes.asking.text,
            "ok": True,
            "title": self.title,
            "style": self.style,
            "steps": list(steps(self.page().groups)),
            "why": self.why,
            "verified": {"exact": self.verified},
            "program": self.passes.to_dict(),
            "error": None,
        }


def _source(share: Share, step: str) -> str:
    """Where a name is used: ``h[t+1]``, ``L``."""
    if share.source is None:
        return "what is asked"
    name = share.source.name
    if share.offset:
        shown = f"{step}{-share.offset:+d}"
        return name.replace(f"[{step}]", f"[{shown}]")
    return name


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
