"""Errors of a run become weights of images: counts by hand, files, and what is passed over."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from detcore.curation.emphasis import Emphasis, ErrorPlaces, ImageErrors, find_emphasis
from detcore.errors import ConfigError, ProjectError
from detcore.project.runs import RunFolder, save_detections
from detcore.project.snapshot import Snapshot, SnapshotImage
from detcore.project.verdict_rows import Verdict, VerdictKind
from detcore.types import Box, Detections, ObjectClass, Status
from tests.columns import ground_truth

CAT, DOG = 5, 3


def snapshot() -> Snapshot:
    """Image 1 has a cat and a dog, 2 a cat, 3 nothing (verified), 4 (val) and 5 (test) a cat each."""
    splits = {1: "train", 2: None, 3: "train", 4: "val", 5: "test", 6: "train"}
    boxes = [
        Box(id=1, image_id=1, class_id=CAT, x1=0, y1=0, x2=10, y2=10),
        Box(id=2, image_id=1, class_id=DOG, x1=50, y1=50, x2=70, y2=70),
        Box(id=3, image_id=2, class_id=CAT, x1=0, y1=0, x2=10, y2=10),
        Box(id=4, image_id=4, class_id=CAT, x1=0, y1=0, x2=10, y2=10),
        Box(id=5, image_id=5, class_id=CAT, x1=0, y1=0, x2=10, y2=10),
        Box(id=6, image_id=2, class_id=DOG, x1=50, y1=50, x2=90, y2=90, crowd=True),
    ]
    return Snapshot(
        classes=(
            ObjectClass(id=CAT, name="cat", color="#111111"),
            ObjectClass(id=DOG, name="dog", color="#222222"),
        ),
        images=tuple(
            SnapshotImage(id=i, path=f"/{i}.png", width=100, height=100, split=split, status=Status.VERIFIED)
            for i, split in splits.items()
        ),
        ground_truth=ground_truth(boxes),
    )


def detections(*rows: tuple[int, int, tuple[float, float, float, float], float]) -> Detections:
    return Detections(
        image_ids=np.array([row[0] for row in rows], np.int64),
        labels=np.array([row[1] for row in rows], np.int64),
        boxes=np.array([row[2] for row in rows], np.float64).reshape(-1, 4),
        scores=np.array([row[3] for row in rows], np.float64),
    )


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    folder = tmp_path / "001-reticle-s"
    folder.mkdir()
    return RunFolder(folder)


def test_false_positives_on_background_and_misses_are_counted_by_image(run: RunFolder) -> None:
    found = detections(
        (1, CAT, (0, 0, 10, 10), 0.9),  # right; the dog is missed
        (1, CAT, (0, 0, 10, 9), 0.8),  # a duplicate: wrong, and yet not on background
        (1, CAT, (50, 50, 70, 70), 0.7),  # the dog taken for a cat: not on background
        (2, CAT, (30, 30, 40, 40), 0.9),  # on background; the cat is missed
        (2, CAT, (30, 70, 40, 80), 0.6),  # on background
        (2, DOG, (55, 55, 80, 80), 0.9),  # within the crowd: neither right nor wrong
        (3, DOG, (30, 30, 40, 40), 0.55),  # on background, in an empty image
        (3, DOG, (60, 30, 70, 40), 0.45),  # below the threshold
        (4, CAT, (50, 50, 60, 60), 0.9),  # in the validation split
        (5, CAT, (50, 50, 60, 60), 0.9),  # in the test split
        (6, CAT, (50, 50, 60, 60), 0.9),  # not looked at: left from nowhere
    )
    save_detections(run, found, image_ids=[1, 2, 3, 4, 5])
    emphasis = find_emphasis(run, snapshot(), threshold=0.5)
    assert emphasis.run == "001-reticle-s"
    assert emphasis.images == {
        1: ImageErrors(false_positives=0, misses=1),
        2: ImageErrors(false_positives=2, misses=1),
        3: ImageErrors(false_positives=1, misses=0),
    }
    assert (emphasis.false_positives, emphasis.misses) == (3, 2)


def verdict(number: int, kind: VerdictKind, image_id: int, class_id: int, **fields: object) -> Verdict:
    x1, y1, x2, y2 = fields.pop("xyxy")  # type: ignore[misc]
    where = {"image_id": image_id, "class_id": class_id, "x1": x1, "y1": y1, "x2": x2, "y2": y2}
    return Verdict(**{"id": number, "run": "001-reticle-s", "kind": kind, **where, **fields})  # type: ignore[arg-type]


def test_what_was_judged_ambiguous_does_not_count_and_what_the_model_got_wrong_does(run: RunFolder) -> None:
    found = detections(
        (4, CAT, (50, 50, 60, 60), 0.9),  # of another split: rows of the run are not rows of what is matched
        (1, CAT, (30, 30, 40, 40), 0.9),
        (1, DOG, (80, 30, 90, 40), 0.9),
        (2, CAT, (30, 30, 40, 40), 0.9),
        (3, CAT, (30, 30, 40, 40), 0.9),
    )
    save_detections(run, found, image_ids=[1, 2, 3, 4, 5])
    without = find_emphasis(run, snapshot(), threshold=0.5)
    assert without.images == {
        1: ImageErrors(false_positives=2, misses=2),
        2: ImageErrors(false_positives=1, misses=1),
        3: ImageErrors(false_positives=1, misses=0),
    }
    unsure, wrong = VerdictKind.AMBIGUOUS, VerdictKind.MODEL_WRONG
    given = [
        verdict(1, unsure, 1, CAT, xyxy=(30, 30, 40, 40), detection_row=1),
        verdict(2, wrong, 1, DOG, xyxy=(80, 30, 90, 40), detection_row=2),
        verdict(3, unsure, 1, DOG, xyxy=(50, 50, 70, 70), box_id=2),
        verdict(4, wrong, 1, CAT, xyxy=(0, 0, 10, 10), box_id=1),
        # given while another run was looked at, whose rows mean nothing here; IoU 90 / 100
        verdict(5, unsure, 2, CAT, xyxy=(30, 30, 40, 39), detection_row=17, run="000-older"),
        # ambiguous at first, then decided: the last word counts
        verdict(6, unsure, 3, CAT, xyxy=(30, 30, 40, 40), detection_row=4),
        verdict(7, wrong, 3, CAT, xyxy=(30, 30, 40, 40), detection_row=4),
        # in the validation split, which takes no part
        verdict(8, unsure, 4, CAT, xyxy=(50, 50, 60, 60), detection_row=0),
    ]
    emphasis = find_emphasis(run, snapshot(), verdicts=given, threshold=0.5)
    assert emphasis.images == {
        1: ImageErrors(false_positives=1, misses=1),
        2: ImageErrors(false_positives=0, misses=1),
        3: ImageErrors(false_positives=1, misses=0),
    }


def test_an_image_whose_every_error_is_ambiguous_is_not_in_it(run: RunFolder) -> None:
    save_detections(run, detections((3, CAT, (30, 30, 40, 40), 0.9)), image_ids=[3])
    given = [verdict(1, VerdictKind.AMBIGUOUS, 3, CAT, xyxy=(30, 30, 40, 40), detection_row=0)]
    assert find_emphasis(run, snapshot(), verdicts=given, threshold=0.5).images == {}


def test_labels_that_were_mended_are_no_errors(run: RunFolder) -> None:
    """The box that a prediction became, and a label that is difficult by now."""
    found = detections((3, CAT, (30, 30, 40, 40), 0.9))
    save_detections(run, found, image_ids=[1, 2, 3])
    before = snapshot()
    assert find_emphasis(run, before, threshold=0.5).images[3] == ImageErrors(false_positives=1, misses=0)
    boxes = [
        Box(id=1, image_id=1, class_id=CAT, x1=0, y1=0, x2=10, y2=10),
        Box(id=2, image_id=1, class_id=DOG, x1=50, y1=50, x2=70, y2=70, difficult=True),
        Box(id=7, image_id=3, class_id=CAT, x1=30, y1=30, x2=40, y2=40),
    ]
    after = replace(before, ground_truth=ground_truth(boxes))
    assert find_emphasis(run, after, threshold=0.5).images == {1: ImageErrors(false_positives=0, misses=1)}


def test_without_a_threshold_that_of_the_best_f1_is_taken(run: RunFolder) -> None:
    # F1 by hand: above .9 1 of 1 right (2/4), above .6 2 of 2 (4/5), above .2 3 of 5 (6/8)
    found = detections(
        (1, CAT, (0, 0, 10, 10), 0.9),
        (2, CAT, (0, 0, 10, 10), 0.6),
        (3, CAT, (0, 0, 10, 10), 0.3),
        (3, CAT, (30, 0, 40, 10), 0.25),
        (1, DOG, (50, 50, 70, 70), 0.2),
    )
    save_detections(run, found, image_ids=[1, 2, 3])
    emphasis = find_emphasis(run, snapshot())
    assert emphasis.threshold == 0.6
    assert emphasis.images == {1: ImageErrors(false_positives=0, misses=1)}


def test_images_weigh_by_their_errors_against_the_average_of_all() -> None:
    emphasis = Emphasis(
        run="001-x",
        threshold=0.5,
        iou_threshold=0.5,
        images={
            7: ImageErrors(false_positives=2, misses=1),
            8: ImageErrors(false_positives=0, misses=3),
            9: ImageErrors(false_positives=6, misses=0),
            10: ImageErrors(false_positives=50, misses=50),
        },
    )
    # false positives 6, 2, 0, 0 (2 on average) and misses 0, 1, 0, 3 (1 on average); image 10 is not asked about
    weights = emphasis.weights([9, 7, 1, 8], hard_negatives=0.5, oversample=0.25)
    assert weights.tolist() == [1 + 0.5 * 3, 1 + 0.5 * 1 + 0.25 * 1, 1.0, 1 + 0.25 * 3]
    assert emphasis.weights([9, 7, 1, 8], hard_negatives=0.0, oversample=2.0).tolist() == [1.0, 3.0, 1.0, 4.0]
    assert emphasis.weights([1, 2], hard_negatives=1.0, oversample=1.0).tolist() == [1.0, 1.0]


def test_parts_of_images_weigh_by_the_errors_within_them() -> None:
    """Two halves of image 7, and image 8, of which it is not known where its two false positives are. The halves have
    2 and 1: the box at 45 to 55 counts in both. Of 2, 1 and 2 the mean is 5 / 3."""
    emphasis = Emphasis(
        run="001-x",
        threshold=0.5,
        iou_threshold=0.5,
        images={
            7: ImageErrors(false_positives=2, misses=1),
            8: ImageErrors(false_positives=2, misses=0),
        },
        places={
            7: ErrorPlaces(
                false_positives=((10.0, 10.0, 20.0, 20.0), (45.0, 0.0, 55.0, 10.0)),
                misses=((80.0, 0.0, 90.0, 10.0),),
            )
        },
    )
    parts = np.array([[0.0, 0.0, 50.0, 100.0], [50.0, 0.0, 100.0, 100.0], [0.0, 0.0, 50.0, 100.0]])
    weights = emphasis.weights([7, 7, 8], hard_negatives=0.5, oversample=0.0, parts=parts)
    np.testing.assert_allclose(weights, [1 + 0.5 * 6 / 5, 1 + 0.5 * 3 / 5, 1 + 0.5 * 6 / 5])
    missed = emphasis.weights([7, 7, 8], hard_negatives=0.0, oversample=0.5, parts=parts)
    np.testing.assert_allclose(missed, [1.0, 1 + 0.5, 1.0])


def test_among_many_parts_without_errors_more_errors_and_more_strength_weigh_more() -> None:
    """Of a hundred parts of 10 by 10 two have errors, one and three: two on average."""
    false_positives = (
        (1.0, 1.0, 3.0, 3.0),
        (11.0, 1.0, 13.0, 3.0),
        (13.0, 1.0, 15.0, 3.0),
        (15.0, 1.0, 17.0, 3.0),
    )
    emphasis = Emphasis(
        run="001-x",
        threshold=0.5,
        iou_threshold=0.5,
        images={7: ImageErrors(false_positives=4, misses=0)},
        places={7: ErrorPlaces(false_positives=false_positives, misses=())},
    )
    parts = np.array([[10.0 * part, 0.0, 10.0 * part + 10, 10.0] for part in range(100)])
    weak, strong = (
        emphasis.weights([7] * 100, hard_negatives=strength, oversample=0.0, parts=parts)
        for strength in (0.5, 1.5)
    )
    np.testing.assert_allclose(weak, [1 + 0.5 / 2, 1 + 0.5 * 3 / 2] + [1.0] * 98)
    np.testing.assert_allclose(strong, [1 + 1.5 / 2, 1 + 1.5 * 3 / 2] + [1.0] * 98)


def test_it_is_told_where_the_errors_are(run: RunFolder) -> None:
    found = detections((2, CAT, (30.04, 30, 40, 40), 0.9), (3, DOG, (30, 30, 40, 40.26), 0.8))
    save_detections(run, found, image_ids=[2, 3])
    assert find_emphasis(run, snapshot(), threshold=0.5).places == {
        2: ErrorPlaces(false_positives=((30.0, 30.0, 40.0, 40.0),), misses=((0.0, 0.0, 10.0, 10.0),)),
        3: ErrorPlaces(false_positives=((30.0, 30.0, 40.0, 40.3),), misses=()),
    }


def test_the_file_holds_everything(run: RunFolder) -> None:
    emphasis = Emphasis(
        run="001-x",
        threshold=0.25,
        iou_threshold=0.6,
        images={12: ImageErrors(false_positives=2, misses=1), 3: ImageErrors(false_positives=0, misses=3)},
        places={3: ErrorPlaces(false_positives=(), misses=((0.0, 1.5, 10.0, 10.0),))},
    )
    emphasis.save(run.emphasis)
    assert Emphasis.load(run.emphasis) == emphasis


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 9}', '{"format": 1, "images": {"a": 1}}'])
def test_files_that_are_something_else_are_refused(run: RunFolder, text: str) -> None:
    run.emphasis.write_text(text)
    with pytest.raises(ConfigError, match="emphasis.json"):
        Emphasis.load(run.emphasis)


def test_a_missing_file_says_so(run: RunFolder) -> None:
    with pytest.raises(ConfigError, match="missing"):
        Emphasis.load(run.emphasis)


def test_a_run_that_has_looked_at_nothing_of_use_says_so(run: RunFolder) -> None:
    with pytest.raises(ProjectError):
        find_emphasis(run, snapshot())
    save_detections(run, Detections.empty(), image_ids=[4, 5])
    with pytest.raises(ConfigError, match="no labelled training image"):
        find_emphasis(run, snapshot())


def test_a_project_whose_labels_are_all_for_judging_by_says_so(run: RunFolder) -> None:
    save_detections(run, Detections.empty(), image_ids=[4, 5])
    with pytest.raises(ConfigError, match="no labelled image to train on"):
        find_emphasis(run, snapshot().only([4, 5]))
