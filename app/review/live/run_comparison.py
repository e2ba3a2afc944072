"""Two runs over the same images: read and compared in the pool."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.services.tasks import ProgressCallback
from detcore.evaluation.compare import changed_objects
from detcore.evaluation.labels_and_model import ByLabels, ByModel
from detcore.evaluation.live import LiveEvaluation
from detcore.project.project import Project
from detcore.project.runs import RunFolder, load_detections, predicted_images
from detcore.project.scope import left_out_by_both, trained_images
from detcore.review.picked import PickedBoxes
from detcore.review.review import Review, best_threshold
from detcore.review.run_comparison import Fairness, fairness, separate_labels
from detcore.types import Detections, GroundTruth, IntArray


@dataclass(frozen=True, kw_only=True, eq=False)
class ComparedRuns:
    """What is compared: the labels of some images, the other run's detections (``first``) and those of the
    run that is looked at (``second``), of which all together have this ``fingerprint``."""

    first: RunFolder
    second: RunFolder
    gt: GroundTruth
    first_dets: Detections
    second_dets: Detections
    second_rows: IntArray
    fingerprint: str
    image_ids: IntArray
    class_ids: IntArray
    iou_threshold: float


@dataclass(frozen=True, kw_only=True)
class RunChanges:
    """Objects that only the second run finds, that only the first finds, and that both miss, but in another
    way; false detections of the second that the first has not."""

    gained: PickedBoxes
    lost: PickedBoxes
    changed: PickedBoxes
    false: PickedBoxes


@dataclass(frozen=True, kw_only=True, eq=False)
class RunComparison:
    """``by_labels`` is ``None`` when ``first`` was not trained with labels of these images, ``unchanged``
    says that they are still the same. ``scope_count`` images are reviewed; those that both have looked at are
    compared, and ``fairness`` says how far that is sound. At the ``best_thresholds`` the F1 of ``first`` and of
    ``second`` is highest."""

    runs: ComparedRuns
    by_model: ByModel
    by_labels: ByLabels | None
    unchanged: bool
    best_thresholds: tuple[float, float]
    scope_count: int
    fairness: Fairness

    def changes(self, thresholds: tuple[float, float]) -> RunChanges:
        """What ``second`` has that ``first`` has not, each at its threshold. Takes a while."""
        runs = self.runs
        found = changed_objects(
            runs.gt,
            runs.first_dets,
            runs.second_dets,
            runs.image_ids,
            runs.class_ids,
            thresholds=thresholds,
            iou_threshold=runs.iou_threshold,
        )

        def labels(name: str, rows: IntArray) -> PickedBoxes:
            ids = frozenset(runs.gt.ids[rows].tolist())
            return PickedBoxes(name=name, fingerprint=runs.fingerprint, labels=ids)

        return RunChanges(
            gained=labels("gained", found.gained),
            lost=labels("lost", found.lost),
            changed=labels("missed differently", found.changed),
            false=PickedBoxes(
                name="new false positives",
                fingerprint=runs.fingerprint,
                detections=frozenset(runs.second_rows[found.false_second].tolist()),
            ),
        )


def compare_with(
    project: Project, review: Review, gt: GroundTruth, other: RunFolder, progress: ProgressCallback
) -> RunComparison | None:
    """Compare a review's run with another on the images of the review, over its labels ``gt``: of those that
    the one has not learnt from the ones that the other has not learnt from either, if there are any. ``None``
    when the other has looked at none of them.

    Raises:
        ProjectError: the other run has no detections that can be read.
        Cancelled: the user does not want to wait.
    """
    evaluation = review.evaluation
    seen = predicted_images(other)
    image_ids = np.array([item for item in evaluation.image_ids.tolist() if item in seen], np.int64)
    if not len(image_ids):
        return None
    images = project.image_list()
    image_ids = left_out_by_both(image_ids, trained_images(other, images), scope=review.scope)
    dets = load_detections(other)
    on_these = np.flatnonzero(np.isin(evaluation.dets.image_ids, image_ids))
    runs = ComparedRuns(
        first=other,
        second=review.run,
        gt=gt,
        first_dets=dets.take(np.isin(dets.image_ids, image_ids)),
        second_dets=evaluation.dets.take(on_these),
        second_rows=review.source.run_rows[on_these],
        fingerprint=review.source.fingerprint,
        image_ids=image_ids,
        class_ids=evaluation.class_ids,
        iou_threshold=evaluation.iou_threshold,
    )
    apart = separate_labels(
        other,
        gt,
        (runs.first_dets, runs.second_dets),
        image_ids,
        runs.class_ids,
        iou_threshold=runs.iou_threshold,
        progress=progress,
    )
    return RunComparison(
        runs=runs,
        by_model=apart.by_model,
        by_labels=apart.by_labels,
        unchanged=apart.unchanged,
        best_thresholds=(_best_threshold(runs, runs.first_dets), _best_threshold(runs, runs.second_dets)),
        scope_count=review.image_count,
        fairness=fairness(other, review.run, images, image_ids),
    )


def _best_threshold(runs: ComparedRuns, dets: Detections) -> float:
    """Where a run alone would be shown first."""
    known = np.isin(dets.labels, runs.class_ids)
    on_these = np.isin(runs.gt.image_ids, runs.image_ids)
    return best_threshold(
        LiveEvaluation(
            runs.gt.take(on_these),
            dets.take(known),
            class_ids=runs.class_ids,
            iou_threshold=runs.iou_threshold,
            image_ids=runs.image_ids,
        )
    )
