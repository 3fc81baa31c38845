"""Random models with open loops: one to three states that depend on each other, up to two steps back, up or down."""

from __future__ import annotations

import random

FUNCTIONS = ("tanh({})", "sigmoid({})", "sin({})", "{}")
DECLARED = ("A, B, C: matrix(n, n)", "u, v, w: vector(n)", "a, b: scalar", "x[t]: vector(n) for t = 0..T")


def random_model(seed: int) -> str:
    """The text of a model whose scalar is L."""
    draw = random.Random(seed)
    states = draw.sample("hcs", draw.randint(1, 3))
    back, down = draw.choice((1, 1, 1, 2)), draw.random() < 0.15
    first = back + (draw.random() < 0.2)
    sign = "+" if down else "-"
    extent = f"T-{first}..0" if down else f"{first}..T"
    lines = list(DECLARED)

    def state(place: int) -> str:
        """A state of this step that is known already, or of one before."""
        offset = draw.randint(0 if place else 1, back)
        return f"{draw.choice(states)}[t{sign}{offset}]" if offset else f"{draw.choice(states[:place])}[t]"

    for place, name in enumerate(states):
        terms = [f"{draw.choice('AB')}*{name}[t{sign}{back}]"]
        for _ in range(draw.randint(0, 2)):
            known = state(place)
            terms.append(
                draw.choice((f"C*{known}", f"a*{known}", "x[t]", f"x[t] .* {known}", f"A'*{known}/(t + 1)", "u"))
            )
        lines.append(f"{name}[t] = {draw.choice(FUNCTIONS).format(' + '.join(terms))} for t = {extent}")
        if down or draw.random() < 0.6:
            ends = [f"T-{k}" if k else "T" for k in range(first)] if down else map(str, range(first))
            lines += [f"{name}[{end}] = {draw.choice(('u', 'v', 'A*u', 'w/2'))}" for end in ends]
    losses = []
    for _ in range(draw.randint(1, 3)):
        name = draw.choice(states)
        last = f"{name}[{'0' if down else 'T'}]"
        each = f"for t = 0..T-{first}" if down else f"for t = {first}..T"
        losses.append(
            draw.choice(
                (
                    f"norm2({last} - w)^2",
                    f"sum(norm2({name}[t] - x[t])^2 {each})",
                    f"b*sum(w'*{name}[t] {each})/T",
                    f"log(1 + sum(norm2({name}[t])^2 {each}))",
                    "b*norm2(A)^2",
                )
            )
        )
    return "\n".join([*lines, f"L = {' + '.join(losses)}"])
