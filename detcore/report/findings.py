"""Everything that a report tells, looked up and computed; how it looks is decided elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from detcore.curation.emphasis import best_threshold
from detcore.errors import EvaluationError
from detcore.evaluation.bootstrap import (
    Interval,
    as_drawn,
    draw_images,
    interval,
    mean_average_precision,
)
from detcore.evaluation.coco import MAX_DETECTIONS, CocoResult, evaluate_coco
from detcore.evaluation.error_types import ErrorTypes, find_error_types
from detcore.evaluation.judged import judge
from detcore.evaluation.live import ClassSummary, Counts, LiveEvaluation
from detcore.evaluation.matching import IOU_THRESHOLDS, SIZE_RANGES
from detcore.project.cleaning import BoxChange, changes_since_import
from detcore.project.cross_validation import is_cross_validation, read_plan
from detcore.project.history import JournalEntry, edits_since
from detcore.project.reading import ProjectReader, Statistics
from detcore.project.run_folder import read_json
from detcore.project.runs import (
    RunFolder,
    RunInfo,
    left_out_images,
    load_detections,
    predicted_images,
    read_run,
)
from detcore.project.scope import Scope, trained_images, unread_images
from detcore.project.snapshot import Snapshot
from detcore.project.verdict_rows import Verdict
from detcore.project.verdicts import read_verdicts
from detcore.types import Detections, GroundTruth, Image, IntArray, ObjectClass

SIZES = ("small", "medium", "large")
MOST_EDITS = 100
_DRAWS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeSummary:
    """Objects of one range of sizes: how many, average precision and recall as COCO's (-1 without objects),
    and how many are found at the threshold."""

    name: str
    count: int
    ap: float
    ar: float
    found: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelChanges:
    """Boxes now against those that the run was started with. ``by_image`` the four counts of each image that
    has any, the most changed first."""

    added: int
    removed: int
    moved: int
    reclassified: int
    by_image: Mapping[int, tuple[int, int, int, int]]

    def __bool__(self) -> bool:
        return bool(self.by_image)


@dataclass(frozen=True, kw_only=True)
class Findings:
    """What a run does on some images of a project. ``trained`` of the images it has learned from; ``unread``
    names the labelled images of the project that it could not look at. ``changes``
    is ``None`` when the run did not keep what it was started with. ``ap_interval`` is how far AP would move
    with other images of the same kind, nan without objects. ``folds`` is of a cross-validation, 0 for any other run."""

    project_name: str
    statistics: Statistics
    run: RunInfo
    folds: int
    settings: Mapping[str, Any]
    scope: str
    images: Mapping[int, Image]
    classes: Mapping[int, ObjectClass]
    threshold: float
    iou_threshold: float
    trained: int
    unread: tuple[str, ...]
    live: LiveEvaluation
    errors: ErrorTypes
    coco: CocoResult
    ap_interval: Interval
    counts: Counts
    class_summaries: tuple[ClassSummary, ...]
    sizes: tuple[SizeSummary, ...]
    verdicts: tuple[Verdict, ...]
    changes: LabelChanges | None
    edits: tuple[JournalEntry, ...]
    cleaned: tuple[BoxChange, ...]


def find(
    project: ProjectReader,
    run: RunFolder,
    *,
    image_ids: IntArray,
    scope: str,
    threshold: float | None = None,
    iou_threshold: float = 0.5,
) -> Findings:
    """Evaluate a run's detections on these images against the labels as they are now.

    ``scope`` says which images they are, after their number ("labelled images of the test split"). Without a
    ``threshold`` that of the best F1.

    Raises:
        EvaluationError: there are no images, or the run has not looked at all of them.
        ProjectError: the run has no detections.
    """
    if not len(image_ids):
        raise EvaluationError("there are no images to report on", path=project.folder)
    unseen = set(image_ids.tolist()) - predicted_images(run)
    if unseen:
        raise EvaluationError(
            f"run {run.name} has not looked at {len(unseen)} of the images",
            path=run.path,
            hint="Let it predict on them first",
        )
    classes = {item.id: item for item in project.classes()}
    class_ids = np.array(sorted(classes), dtype=np.int64)
    gt = project.ground_truth(image_ids.tolist())
    dets = load_detections(run)
    dets = dets.take(np.isin(dets.image_ids, image_ids) & np.isin(dets.labels, class_ids))
    if threshold is None:
        threshold = best_threshold(gt, dets, image_ids, class_ids, iou_threshold=iou_threshold)
    live = LiveEvaluation(gt, dets, class_ids=class_ids, image_ids=image_ids, iou_threshold=iou_threshold)
    coco = evaluate_coco(gt, dets, image_ids, class_ids)
    info = read_run(run)
    snapshot = Snapshot.load(run.snapshot) if run.snapshot.is_file() else None
    images = project.image_list()
    trained = trained_images(run, images)
    return Findings(
        project_name=project.name,
        statistics=project.statistics(),
        run=info,
        folds=len(read_plan(run).held_out) if is_cross_validation(run) else 0,
        settings=_settings(run),
        scope=scope,
        images={image.id: image for image in project.images()},
        classes=classes,
        threshold=threshold,
        iou_threshold=iou_threshold,
        trained=int(np.isin(image_ids, trained).sum()),
        unread=unread_images(images, left_out_images(run), trained, Scope.ALL),
        live=live,
        errors=find_error_types(gt, dets, image_ids, class_ids, iou_threshold=iou_threshold),
        coco=coco,
        ap_interval=_ap_interval(gt, dets, image_ids, class_ids),
        counts=live.counts(threshold),
        class_summaries=tuple(live.per_class(threshold)),
        sizes=_sizes(live, coco, threshold),
        verdicts=tuple(read_verdicts(project, run=run.name)),
        changes=None if snapshot is None else label_changes(snapshot.ground_truth, project.ground_truth()),
        edits=tuple(edits_since(project, info.created, most=MOST_EDITS)),
        cleaned=tuple(changes_since_import(project)),
    )


def _settings(run: RunFolder) -> dict[str, Any]:
    """What the run was set to, of whatever version its file is; what lies in a section has both names."""
    settings: dict[str, Any] = {}
    for name, value in read_json(run.config).items():
        if isinstance(value, dict):
            section = cast("dict[str, Any]", value)
            settings |= {f"{name}.{key}": part for key, part in section.items()}
        else:
            settings[name] = value
    return settings


def _ap_interval(gt: GroundTruth, dets: Detections, image_ids: IntArray, class_ids: IntArray) -> Interval:
    judged = judge(
        gt,
        dets,
        image_ids,
        class_ids,
        iou_thresholds=IOU_THRESHOLDS,
        max_detections=MAX_DETECTIONS[-1],
    )
    (value,) = mean_average_precision(judged, as_drawn(judged[0])).tolist()
    return interval(value, mean_average_precision(judged, draw_images(len(image_ids), draws=_DRAWS)))


def _sizes(live: LiveEvaluation, coco: CocoResult, threshold: float) -> tuple[SizeSummary, ...]:
    gt = live.gt
    counts = ~(gt.crowd | gt.difficult)
    found = live.found_scores() >= threshold
    summaries: list[SizeSummary] = []
    for name, (low, high) in zip(SIZES, SIZE_RANGES[1:].tolist(), strict=True):
        # as COCO has it, an object of exactly 32² pixels is both small and medium
        inside = counts & (gt.areas >= low) & (gt.areas <= high)
        summaries.append(
            SizeSummary(
                name=name,
                count=int(np.count_nonzero(inside)),
                ap=coco.stats[f"AP{name[0]}"],
                ar=coco.stats[f"AR{name[0]}"],
                found=int(np.count_nonzero(inside & found)),
            )
        )
    return tuple(summaries)


def label_changes(before: GroundTruth, after: GroundTruth) -> LabelChanges:
    """Boxes that came, went, moved, or have another class; one that moved and has another class counts as
    both."""
    _, old, new = np.intersect1d(before.ids, after.ids, assume_unique=True, return_indices=True)
    kept_old, kept_new = np.zeros(len(before), np.bool_), np.zeros(len(after), np.bool_)
    kept_old[old] = kept_new[new] = True
    moved = (before.boxes[old] != after.boxes[new]).any(axis=1)
    reclassified = before.labels[old] != after.labels[new]
    owners = (
        after.image_ids[~kept_new],
        before.image_ids[~kept_old],
        after.image_ids[new][moved],
        after.image_ids[new][reclassified],
    )
    by_image: dict[int, list[int]] = {}
    for place, ids in enumerate(owners):
        for image_id in ids.tolist():
            by_image.setdefault(image_id, [0, 0, 0, 0])[place] += 1
    order = sorted(by_image, key=lambda image_id: (-sum(by_image[image_id]), image_id))
    added, removed, moves, classes = (len(ids) for ids in owners)
    return LabelChanges(
        added=added,
        removed=removed,
        moved=moves,
        reclassified=classes,
        by_image={
            image_id: (counts[0], counts[1], counts[2], counts[3])
            for image_id in order
            for counts in [by_image[image_id]]
        },
    )
