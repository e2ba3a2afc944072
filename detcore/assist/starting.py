"""The scores from which a run's detections are proposed, as long as nobody has chosen others."""

from __future__ import annotations

import numpy as np

from detcore.assist.proposals import Found, Thresholds
from detcore.evaluation.judged import Judged, judge
from detcore.evaluation.thresholds import best_threshold, operating_points
from detcore.project.reading import ProjectReader
from detcore.project.run_folder import RunFolder
from detcore.project.scope import image_sets, trained_images, usual_scope

IOU = 0.5
_ENOUGH = 10
"""A class with fewer labelled objects says too little for a threshold of its own."""


def starting_thresholds(
    project: ProjectReader, run: RunFolder, found: Found, *, precision: float | None, by_class: bool
) -> Thresholds:
    """Where F1 is best, or from where so large a share of the detections is right (``precision``, 0..1), on the labelled
    images that the run has not learnt from, if there are any; ``by_class`` of each class that has enough objects.

    Where nothing is so precise, what is most precise. Without labelled images a half.
    """
    images = project.image_list()
    sets = image_sets(images, found.looked_at, trained_images(run, images))
    image_ids = sets.get(usual_scope(sets), np.zeros(0, np.int64))
    class_ids = [item.id for item in project.classes()]
    dets = found.detections
    dets = dets.take(np.isin(dets.image_ids, image_ids) & np.isin(dets.labels, class_ids))
    (judged,) = judge(
        project.ground_truth(image_ids.tolist()), dets, image_ids, class_ids, iou_thresholds=(IOU,)
    )
    overall = _threshold(judged, None, precision)
    if not by_class:
        return Thresholds(overall=overall)
    counts = dict(zip(judged.problem.classes.tolist(), judged.positives.tolist(), strict=True))
    own = [class_id for class_id, count in counts.items() if count >= _ENOUGH]
    return Thresholds(
        overall=overall, by_class={class_id: _threshold(judged, class_id, precision) for class_id in own}
    )


def _threshold(judged: Judged, class_id: int | None, precision: float | None) -> float:
    points = operating_points(judged.outcomes(class_id))
    if precision is None or not points.tp.any():
        return best_threshold(points)
    wanted = points.for_precision(precision) or points.for_precision(float(points.precision.max()))
    return best_threshold(points) if wanted is None else wanted.threshold
