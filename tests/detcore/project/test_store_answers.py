"""What a run says at labels is kept with its detections."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest

from detcore.errors import ProjectError
from detcore.project.project import Project
from detcore.project.runs import create_run, load_answers, merge_detections, save_detections
from detcore.types import Detections, LabelAnswers


def said(*rows: tuple[int, int, float]) -> LabelAnswers:
    """Rows of label, image and score."""
    column = np.array([row[2] for row in rows])
    ids, images = (np.array([row[place] for row in rows], np.int64) for place in (0, 1))
    return LabelAnswers(
        label_ids=ids,
        image_ids=images,
        strange=ids > 1,
        labels=ids + 10,
        boxes=np.tile([1.0, 2.0, 3.0, 4.5], (len(rows), 1)),
        well=column,
        close=column / 2,
        other=column / 4,
        near=1 - column,
    )


def test_what_is_said_at_labels_comes_back_and_goes_with_the_detections_of_its_image(
    project: Project,
) -> None:
    run = create_run(project, "reticle-s")
    save_detections(run, Detections.empty(), image_ids=[1, 2])
    assert load_answers(run) is None
    merge_detections(run, Detections.empty(), image_ids=[1, 2], answers=said((1, 1, 0.5), (2, 2, 0.25)))
    whole = load_answers(run)
    assert whole is not None
    for item in fields(LabelAnswers):
        column = getattr(whole, item.name)
        np.testing.assert_array_equal(column, getattr(said((1, 1, 0.5), (2, 2, 0.25)), item.name))
        assert column.dtype in (np.int64, np.float64, np.bool_)
    merge_detections(run, Detections.empty(), image_ids=[2, 3], answers=said((3, 3, 0.75)))
    merged = load_answers(run)
    assert merged is not None
    assert list(zip(merged.label_ids.tolist(), merged.well.tolist(), strict=True)) == [(1, 0.5), (3, 0.75)]
    merge_detections(run, Detections.empty(), image_ids=[4], left_out=[1])
    merged = load_answers(run)
    assert merged is not None
    assert merged.label_ids.tolist() == [3]


def test_answers_of_other_weights_are_forgotten_with_their_detections(project: Project) -> None:
    run = create_run(project, "reticle-s")
    save_detections(run, Detections.empty(), image_ids=[1], step=1, answers=said((1, 1, 0.5)))
    merge_detections(run, Detections.empty(), image_ids=[2], step=2, answers=said((2, 2, 0.5)))
    found = load_answers(run)
    assert found is not None
    assert found.label_ids.tolist() == [2]


@pytest.mark.parametrize(
    "damage", [{"well": np.zeros(2)}, {"boxes": np.zeros((1, 3))}, {"near": np.zeros((1, 1))}]
)
def test_damaged_answers_are_refused(project: Project, damage: dict[str, np.ndarray]) -> None:
    run = create_run(project, "reticle-s")
    save_detections(run, Detections.empty(), image_ids=[1], answers=said((1, 1, 0.5)))
    with np.load(run.detections) as archive:
        columns = {name: archive[name] for name in archive.files}
    np.savez(run.detections, **columns | {f"answers_{name}": value for name, value in damage.items()})
    with pytest.raises(ProjectError, match="not answers of a run"):
        load_answers(run)
