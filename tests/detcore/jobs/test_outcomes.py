"""What a user is told of how a training ended."""

from __future__ import annotations

import pytest

from detcore.jobs.outcomes import judgement


@pytest.mark.parametrize(
    ("result", "text"),
    [
        ({}, ""),
        ({"best_AP": None, "best_step": 0, "start_AP": None}, ""),
        ({"best_AP": 0.5}, "best AP 0.500"),
        ({"best_AP": 0.5, "best_step": 1234, "start_AP": None}, "best AP 0.500 at step 1,234"),
        ({"best_AP": 0.5, "best_step": 7, "start_AP": 0.469}, "best AP 0.500 at step 7; its start had 0.469"),
        (
            {"best_AP": 0.469, "best_step": 0, "start_AP": 0.469},
            "no better than its start, AP 0.469: the start was kept",
        ),
        (
            {
                "best_AP": None,
                "best_step": 0,
                "no_figure": "none of the validation images has a box that counts",
            },
            "no AP, since none of the validation images has a box that counts; its last weights are kept",
        ),
    ],
)
def test_what_came_of_a_training_is_a_part_of_a_sentence(result: dict[str, object], text: str) -> None:
    assert judgement(result) == text


def test_numbers_are_written_as_the_caller_writes_them() -> None:
    result = {"best_AP": 0.5, "best_step": 1234, "start_AP": 0.25}
    text = judgement(result, ratio=lambda value: f"{value:.2f}".replace(".", ","), number="{:_}".format)
    assert text == "best AP 0,50 at step 1_234; its start had 0,25"
