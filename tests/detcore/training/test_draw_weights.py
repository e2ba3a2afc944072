"""Rare classes and errors of an earlier run make images be drawn more often, and they multiply."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from detcore.curation.emphasis import Emphasis, ImageErrors
from detcore.data.samples import Sample
from detcore.data.sampling import RareBoxes, repeat_factors
from detcore.jobs.settings.learning import Learning
from detcore.training.draw_weights import draw_weights


def sample(number: int, *labels: int) -> Sample:
    boxes = np.tile(np.array([[0, 0, 9, 9]], np.float32), (len(labels), 1))
    return Sample(
        image_id=number,
        path=f"/x/{number}.png",
        boxes=boxes,
        labels=np.array(labels, np.int64),
        ignore=boxes[:0],
    )


# Of 16 images all have class 0 but the empty one, 4 have class 1, and 1 has class 3; none has 2.
SAMPLES = [sample(0, 0, 3, 3), sample(1, 0, 1), sample(2, 1, 0, 0), sample(3, 0, 1), sample(4, 0, 1, 1)]
SAMPLES += [sample(number, 0) for number in range(5, 15)] + [sample(15)]


def test_repeat_factors_are_those_of_the_paper() -> None:
    # max(1, sqrt(t / f)): t 0.25 and f 1/16 give 2, f 4/16 gives 1
    np.testing.assert_allclose(repeat_factors(SAMPLES, 0.25), [2.0] + [1.0] * 15)
    # t 1: sqrt(16) = 4, sqrt(4) = 2, sqrt(16 / 15), and an image without boxes stays at 1
    np.testing.assert_allclose(
        repeat_factors(SAMPLES, 1.0), [4.0] + [2.0] * 4 + [(16 / 15) ** 0.5] * 10 + [1.0]
    )


def test_without_boxes_nothing_is_repeated() -> None:
    assert repeat_factors([sample(1), sample(2)], 0.5).tolist() == [1.0, 1.0]
    assert RareBoxes([sample(1)]).choose(np.random.default_rng(0)) is None


def test_each_class_is_as_likely_to_be_chosen_and_each_of_its_boxes() -> None:
    rare, rng = RareBoxes(SAMPLES), np.random.default_rng(0)
    chosen = [choice for _ in range(6000) if (choice := rare.choose(rng))]
    labels = np.bincount([SAMPLES[row].labels[box] for row, box in chosen], minlength=4)
    np.testing.assert_allclose(labels / 6000, [1 / 3, 1 / 3, 0, 1 / 3], atol=0.025)
    of_class_3 = [choice for choice in chosen if choice[0] == 0 and choice[1] > 0]
    assert np.mean([box == 1 for _, box in of_class_3]) == pytest.approx(0.5, abs=0.04)


def test_by_default_all_images_are_alike_and_nothing_is_said(tmp_path: Path) -> None:
    said: list[str] = []
    assert draw_weights(SAMPLES, Learning(), emphasis=tmp_path / "none.json", say=said.append) is None
    assert said == []


def test_rare_classes_and_errors_multiply_and_both_are_said(tmp_path: Path) -> None:
    said: list[str] = []
    errors = Emphasis(
        run="001-reticle-s",
        threshold=0.5,
        iou_threshold=0.5,
        images={0: ImageErrors(false_positives=0, misses=1), 1: ImageErrors(false_positives=0, misses=1)},
    )
    errors.save(tmp_path / "emphasis.json")
    learning = Learning(oversample=0.25, class_balance=0.25)
    weights = draw_weights(SAMPLES, learning, emphasis=tmp_path / "emphasis.json", say=said.append)
    assert weights is not None
    # 2 misses on 16 images: one is 8 times the mean, 1 + 0.25 · 8 = 3
    np.testing.assert_allclose(weights, [6.0, 3.0] + [1.0] * 14)
    assert said == [
        "2 of 16 images drawn more often, for 001-reticle-s had 0 false positives on background and 2 misses.",
        "1 of 16 images drawn more often for the sake of rare classes.",
    ]
