"""Numbers, wherever they are written, as the user's locale has them."""

from __future__ import annotations

from pathlib import Path

import pytest

import app
from app.services.figures import count_text, ratio_text, short_text
from app.train.run_history import RunHistory
from detcore.jobs.events import Validation


@pytest.mark.usefixtures("german")
def test_numbers_have_the_marks_of_the_locale() -> None:
    assert count_text(1234567) == "1.234.567"
    assert ratio_text(0.5) == "0,50"
    assert ratio_text(1, digits=1) == "1,0"
    assert ratio_text(float("nan")) == "–"
    assert short_text(2) == "2"


@pytest.mark.usefixtures("german")
def test_the_log_of_a_run_is_written_in_the_locale() -> None:
    history = RunHistory(
        [Validation(step=12000, epoch=3.0, time=1.0, metrics={"AP": 0.25}, per_class={}, best=True)]
    )
    assert history.log[0].text == "Validation at step 12.000: AP 0,250, the best so far"


def test_no_count_of_the_window_is_written_with_the_marks_of_one_language() -> None:
    files = Path(app.__file__).parent.rglob("*.py")
    assert [path.name for path in files if ":,}" in path.read_text(encoding="utf-8")] == []
