"""A learning rate as an expression of the progress: parsed, never run as code."""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from detcore.errors import ConfigError

_LONGEST = 400
_BINARY: Mapping[type[ast.AST], Callable[[float, float], float]] = {
    ast.Add: float.__add__,
    ast.Sub: float.__sub__,
    ast.Mult: float.__mul__,
    ast.Div: float.__truediv__,
    ast.Mod: float.__mod__,
    ast.Pow: math.pow,
    ast.Lt: float.__lt__,
    ast.LtE: float.__le__,
    ast.Gt: float.__gt__,
    ast.GtE: float.__ge__,
}
_UNARY: Mapping[type[ast.AST], Callable[[float], float]] = {
    ast.USub: float.__neg__,
    ast.UAdd: float.__pos__,
}
_FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "sin": math.sin,
    "cos": math.cos,
    "exp": math.exp,
    "log": math.log,
    "sqrt": math.sqrt,
    "abs": abs,
    "min": min,
    "max": max,
}
_CONSTANTS = {"pi": math.pi, "e": math.e}
_HINT = (
    "Use numbers, t (0 at the start, 1 at the end), step, pi, e, + - * / % **, < and >, `a if t < 0.5 else b`, and "
    f"{', '.join(_FUNCTIONS)}: (1 - t) ** 2"
)


@dataclass(frozen=True, slots=True)
class Expression:
    """Arithmetic of ``t``, the share of the run that is done, and of ``step``.

    Raises:
        ConfigError: the text is no such expression, or somewhere in a run it is no number of at least 0.
    """

    text: str

    def __post_init__(self) -> None:
        for percent in range(101):
            for steps in (1, 1000):
                self.at(percent / 100, percent * steps)

    def at(self, t: float, step: int) -> float:
        """Its value, at least 0. Raises ConfigError where there is none."""
        try:
            value = _value(_parse(self.text), {**_CONSTANTS, "t": t, "step": float(step)})
        except (ArithmeticError, ValueError, TypeError, RecursionError) as error:
            raise ConfigError(
                f"the rate {self.text!r} has no value at t = {t:g} ({error})", hint=_HINT
            ) from error
        if not math.isfinite(value) or value < 0:
            raise ConfigError(
                f"the rate {self.text!r} is {value:g} at t = {t:g}", hint="It must be 0 or more"
            )
        return value


def _parse(text: str) -> ast.expr:
    if len(text) > _LONGEST:
        raise ConfigError(f"a rate of {len(text)} characters is too long", hint=_HINT)
    try:
        return ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        raise ConfigError(f"the rate {text!r} is no expression", hint=_HINT) from error


def _value(node: ast.AST, names: Mapping[str, float]) -> float:
    def of(part: ast.AST) -> float:
        return float(_value(part, names))

    match node:
        case ast.Constant(value=bool() | str() | bytes() | complex() | None):
            pass
        case ast.Constant(value=int() | float() as number):
            return float(number)
        case ast.Name(id=name) if name in names:
            return names[name]
        case ast.BinOp(left=left, op=how, right=right) if type(how) in _BINARY:
            return _BINARY[type(how)](of(left), of(right))
        case ast.UnaryOp(op=how, operand=operand) if type(how) in _UNARY:
            return _UNARY[type(how)](of(operand))
        case ast.Compare(left=left, ops=[how], comparators=[right]) if type(how) in _BINARY:
            return _BINARY[type(how)](of(left), of(right))
        case ast.IfExp(test=test, body=body, orelse=other):
            return of(body) if of(test) else of(other)
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]) if name in _FUNCTIONS:
            return _FUNCTIONS[name](*(of(argument) for argument in arguments))
        case _:
            pass
    raise ConfigError(f"{ast.unparse(node)!r} cannot stand in a rate", hint=_HINT)
