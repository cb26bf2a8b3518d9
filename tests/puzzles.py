"""Answers of the shipped reasoning problems, computed from what their rows carry."""

import ast
import itertools
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from typing import Any

Check = Mapping[str, Any]


def answers(check: Check) -> set[str]:
    """Every answer that a problem allows; a sound problem allows one.

    ``expression`` is arithmetic. ``names`` take ``values``, each another one where ``distinct``,
    under ``constraints``; asked is an expression in the names (``ask``, in which ``who(2)`` is the
    name that has the value 2), or whether one ``follows``.
    """
    if "expression" in check:
        return {str(arithmetic(check["expression"]))}
    solutions = list(_solutions(check))
    if "follows" in check:
        return {"yes" if all(_holds(check["follows"], one) for one in solutions) else "no"}
    return {str(_holds(check["ask"], one)) for one in solutions}


def arithmetic(expression: str) -> Fraction:
    """Compute with fractions, so that 2.4 is 12/5."""
    tree = ast.fix_missing_locations(_Exact().visit(ast.parse(expression, mode="eval")))
    code = compile(tree, expression, "eval")
    value: Fraction = eval(code, {"__builtins__": {}, "Fraction": Fraction})
    return value


class _Exact(ast.NodeTransformer):
    """Turns the numbers of an expression into fractions."""

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        return ast.parse(f"Fraction('{node.value}')", mode="eval").body


def _solutions(check: Check) -> Iterator[dict[str, Any]]:
    names, values = check["names"], check["values"]
    draws: Iterator[tuple[Any, ...]] = (
        itertools.permutations(values, len(names))
        if check["distinct"]
        else itertools.product(values, repeat=len(names))
    )
    for drawn in draws:
        one = dict(zip(names, drawn, strict=True))
        if all(_holds(constraint, one) for constraint in check["constraints"]):
            yield one


def _holds(expression: str, names: Mapping[str, Any]) -> Any:
    def who(value: Any) -> str:
        return next(name for name, its in names.items() if its == value)

    known: dict[str, Callable[..., Any]] = {"who": who, "abs": abs}
    return eval(expression, {"__builtins__": {}, **known, **names})
