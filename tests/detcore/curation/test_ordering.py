"""Which images to label next: doubt, disagreement and novelty by hand arithmetic."""

from __future__ import annotations

import json
import math
from pathlib import Path

import cv2
import numpy as np
import pytest

from detcore.cli import main
from detcore.curation.ordering import disagreement, entropy, order_unlabelled, spread, uncertainty
from detcore.errors import ConfigError
from detcore.project.edits import add_boxes, add_class, set_status
from detcore.project.project import Project
from detcore.project.runs import RunFolder, create_run, save_detections
from detcore.types import Box, Detections, Status

Row = tuple[int, int, tuple[float, float, float, float], float]


def detections(*rows: Row) -> Detections:
    return Detections(
        image_ids=np.array([row[0] for row in rows], np.int64),
        labels=np.array([row[1] for row in rows], np.int64),
        boxes=np.array([row[2] for row in rows], np.float64).reshape(-1, 4),
        scores=np.array([row[3] for row in rows], np.float64),
    )


def h(p: float) -> float:
    return -(p * math.log2(p) + (1 - p) * math.log2(1 - p))


def at(place: float) -> tuple[float, float, float, float]:
    return (place, 0.0, place + 10.0, 10.0)


def test_entropy_is_in_bits() -> None:
    found = entropy(np.array([0.0, 0.5, 1.0, 0.25]))
    np.testing.assert_allclose(found, [0, 1, 0, 0.8112781244591328], atol=1e-12)


def test_doubt_is_the_mean_by_score_with_one_sure_object_thrown_in() -> None:
    scores = [0.99, 0.5, 0.3]
    dets = detections(
        *((7, 1, at(20.0 * n), score) for n, score in enumerate(scores)),
        (4, 1, at(0), 0.5),
        (4, 1, at(50), 0.04),  # too low to say anything
        (99, 1, at(0), 0.5),  # an image that is not asked about
    )
    found = uncertainty(dets, np.array([7, 2, 4]))
    expected = (0.99 * h(0.99) + 0.5 * 1.0 + 0.3 * h(0.3)) / (1 + 0.99 + 0.5 + 0.3)
    np.testing.assert_allclose(found, [expected, 0.0, 0.5 / 1.5])


def test_many_doubtful_objects_outweigh_one_and_sure_ones_calm() -> None:
    def image(number: int, *scores: float) -> list[Row]:
        return [(number, 1, at(20.0 * place), score) for place, score in enumerate(scores)]

    dets = detections(
        *image(1, 0.5, 0.5, 0.5), *image(2, 0.5), *image(3, 0.5, 0.99, 0.99, 0.99), *image(4, 0.06)
    )
    found = uncertainty(dets, np.array([1, 2, 3, 4]))
    assert found[0] > found[1] > found[2] > found[3] > 0


def test_two_sure_classes_in_one_place_are_a_doubt() -> None:
    dets = detections((1, 1, at(0), 0.95), (1, 2, at(1), 0.9), (2, 1, at(0), 0.95), (2, 2, at(30), 0.9))
    found = uncertainty(dets, np.array([1, 2]))
    np.testing.assert_allclose(found, [0.9 * 1.85 / 2.85, (0.95 * h(0.95) + 0.9 * h(0.9)) / 2.85])


def test_disagreement_is_one_less_the_shared_share_of_scores() -> None:
    one = detections((1, 1, at(0), 0.8), (1, 1, at(30), 0.6), (2, 1, at(0), 0.9), (4, 1, at(0), 0.5))
    other = detections((1, 1, at(1), 0.5), (1, 2, at(30), 0.7), (2, 1, at(0), 0.9), (5, 1, at(0), 0.3))
    found = disagreement(one, other, np.array([5, 1, 2, 3, 4]))
    # image 1: shared .5 of (.8 + .6) + (.5 + .7); the classes at 30 differ
    np.testing.assert_allclose(found, [1.0, 1 - 2 * 0.5 / 2.6, 0.0, 0.0, 1.0], atol=1e-12)


def test_disagreement_does_not_depend_on_which_run_comes_first() -> None:
    rng = np.random.default_rng(2)
    some = [
        detections(*((int(rng.integers(3)), 1, at(25.0 * n), float(rng.random())) for n in range(20)))
        for _ in range(2)
    ]
    ids = np.arange(3)
    np.testing.assert_allclose(disagreement(some[0], some[1], ids), disagreement(some[1], some[0], ids))


def test_of_equal_use_the_farthest_comes_first_each_time() -> None:
    features = np.array([[0.0], [1.0], [10.0], [9.0], [5.0]])
    places, novelty = spread(np.full(5, 0.5), features, known=np.array([[0.0]]))
    # distances to what is known or taken: 10 first, then 5 (5 from both), then 1 and 9 (1 each), then 0
    assert places.tolist() == [2, 4, 1, 3, 0]
    # the median distance at the start is 5
    np.testing.assert_allclose(novelty, [10 / 15, 5 / 10, 1 / 6, 1 / 6, 0.0])


def test_use_outweighs_a_small_gain_in_novelty() -> None:
    features = np.array([[4.0], [5.0], [5.5]])
    places, _ = spread(np.array([0.1, 0.9, 0.1]), features, known=np.array([[0.0]]), count=1)
    assert places.tolist() == [1]


def test_images_that_are_all_the_same_are_ordered_by_use() -> None:
    places, novelty = spread(np.array([0.2, 0.9, 0.5]), np.zeros((3, 2)), known=np.zeros((0, 2)))
    assert sorted(places.tolist()) == [0, 1, 2]
    assert novelty.tolist() == [0, 0, 0]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Images 1 to 4 of unlike colours; 1 is labelled, 4 looks like 3."""
    colours = [(200, 30, 30), (30, 200, 30), (30, 30, 200), (30, 32, 198)]
    for number, colour in enumerate(colours, start=1):
        cv2.imwrite(str(tmp_path / f"{number}.png"), np.full((40, 60, 3), colour, np.uint8))
    names = [f"{number}.png" for number in range(1, 5)]
    with Project.create(tmp_path / "p.reticle", image_root=tmp_path, image_paths=names) as project:
        project.edit(add_class, "thing")
        project.edit(add_boxes, [Box(id=0, image_id=1, class_id=1, x1=1, y1=1, x2=20, y2=20)])
        run = create_run(project, "reticle-s")
        found = detections((1, 1, at(0), 0.5), (2, 1, at(0), 0.99), (3, 1, at(0), 0.5), (4, 1, at(0), 0.3))
        save_detections(run, found, image_ids=[1, 2, 3, 4])
    return project


def test_labelled_images_are_left_out_and_look_alikes_come_late(project: Project) -> None:
    with Project.open(project.folder, read_only=True) as opened:
        run = RunFolder(opened.runs_folder / "001-reticle-s")
        order = order_unlabelled(opened, run)
        assert order.unlabelled == 3
        assert [item.image.path for item in order.candidates] == ["3.png", "2.png", "4.png"]
        first = order.candidates[0]
        assert first.uncertainty == pytest.approx(1 / 3)
        assert first.worth == pytest.approx((0.05 + 0.95 / 3) * first.novelty)
        worths = [item.worth for item in order.candidates]
        assert worths == sorted(worths, reverse=True)
        assert len(order_unlabelled(opened, run, count=2).candidates) == 2
        same = order_unlabelled(opened, run, second=run)
        assert {item.disagreement for item in same.candidates} == {0.0}


def test_a_run_that_has_looked_at_none_of_them_says_so(project: Project) -> None:
    with Project.open(project.folder) as opened:
        run = create_run(opened, "reticle-s")
        save_detections(run, Detections.empty(), image_ids=[1])
        with pytest.raises(ConfigError, match="no unlabelled image"):
            order_unlabelled(opened, run)


def test_when_all_images_are_labelled_there_is_nothing_to_list(
    project: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Project.open(project.folder) as opened:
        opened.edit(set_status, [2, 3, 4], Status.VERIFIED)
    written = tmp_path / "next.json"
    assert main(["next", str(project.folder), "--run", "001-reticle-s", "--json", str(written)]) == 0
    told = capsys.readouterr()
    assert told.out == "every image is labelled or verified already: none is left to label next\n"
    assert told.err == ""
    assert json.loads(written.read_text()) == []


def test_the_command_lists_them_in_order(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["next", str(project.folder), "--run", "001-reticle-s", "--count", "2"]) == 0
    text = capsys.readouterr().out
    assert text.split()[:2] == ["image", "worth"]
    assert text.index("3.png") < text.index("2.png")
    assert "4.png" not in text
