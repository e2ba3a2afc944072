"""A learning rate as an expression: arithmetic is worked out, anything else is refused."""

from __future__ import annotations

import pytest

from detcore.errors import ConfigError
from detcore.jobs.settings.expression import Expression
from detcore.jobs.settings.optimisation import Optimisation


@pytest.mark.parametrize(
    ("text", "t", "step", "value"),
    [
        ("1", 0.5, 0, 1.0),
        ("(1 - t) ** 2", 0.5, 0, 0.25),
        ("0.5 * (1 + cos(pi * t))", 0.5, 0, 0.5),
        ("1 if t < 0.5 else 0.1", 0.4, 0, 1.0),
        ("1 if t < 0.5 else 0.1", 0.5, 0, 0.1),
        ("min(1, step / 100)", 0.0, 25, 0.25),
        ("max(0.01, 1 - 2*t)", 1.0, 9, 0.01),
        ("exp(-t) + abs(-t) - t", 1.0, 0, 0.36787944),
        ("sqrt(9 % 5) ** -1", 0.0, 0, 0.5),
        ("+t", 0.25, 0, 0.25),
    ],
)
def test_arithmetic_of_progress_and_step_is_worked_out(text: str, t: float, step: int, value: float) -> None:
    assert Expression(text).at(t, step) == pytest.approx(value)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "t +",
        "x",
        "'a'",
        "True",
        "1j",
        "t.real",
        "[t][0]",
        "(lambda: 1)()",
        "__import__('os').system('true')",
        "open('a')",
        "t and 1",
        "0 < t < 1",
        "min(t, key=t)",
        "min(*t)",
        "sin",
        "sin(t, t)",
        "t := 1",
        "t; t",
        "1 if t else __import__('os')",
        "1 / t",
        "log(t)",
        "sqrt(-1)",
        "(-1) ** 0.5",
        "9 ** 9 ** 9 ** 9",
        "1e999",
        "0.5 - t",
        "-" * 350 + "1" + "0" * 60,
        "(" * 120 + "t",
    ],
)
def test_what_is_no_arithmetic_or_no_rate_somewhere_in_a_run_is_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        Expression(text)


def test_a_schedule_that_is_an_expression_needs_one() -> None:
    assert Optimisation(schedule="expression", rate_expression="1 - t").expression().at(0.25, 0) == 0.75
    with pytest.raises(ConfigError, match="no expression"):
        Optimisation(schedule="expression")
    with pytest.raises(ConfigError, match="cannot stand in a rate"):
        Optimisation(rate_expression="x")
