"""A run held against the labels of some images: all that a review is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from detcore.curation.judged_items import JudgedItems
from detcore.evaluation import thresholds
from detcore.evaluation.error_links import ErrorLinks
from detcore.evaluation.live import LiveEvaluation
from detcore.project.image_files import ImageFiles
from detcore.project.project import Project
from detcore.project.runs import RunFolder, left_out_images, load_answers, load_detections, predicted_images
from detcore.project.scope import (
    Scope,
    image_sets,
    trained_images,
    unlabelled_images,
    unread_images,
    usual_scope,
)
from detcore.project.verdicts import read_verdicts
from detcore.review.picked import fingerprint_of
from detcore.review.query import ErrorSource
from detcore.types import Detections, IntArray, LabelAnswers, ObjectClass


@dataclass(frozen=True, kw_only=True, eq=False)
class Review:
    """A run over the labels of some images. ``scopes`` are those to choose from; ``trained`` is how many of
    the images the run has learned from; ``unread`` names those that it could not look at; ``paths`` are those
    of all images; at ``best_threshold`` F1 is highest; ``answers`` are what the run says at the labels of its
    time, where that was taken down."""

    run: RunFolder
    scope: Scope
    scopes: Mapping[Scope, IntArray]
    trained: int
    unread: tuple[str, ...]
    classes: Mapping[int, ObjectClass]
    paths: Mapping[int, Path]
    source: ErrorSource
    best_threshold: float
    answers: LabelAnswers | None

    @property
    def evaluation(self) -> LiveEvaluation:
        return self.source.evaluation

    @property
    def image_count(self) -> int:
        return len(self.scopes.get(self.scope, ()))

    @property
    def unjudged(self) -> bool:
        """Whether its images have no labels: there are detections to look at, and no figures."""
        return self.source.unjudged


def build_review(project: Project, run: RunFolder, scope: Scope | None, iou_threshold: float) -> Review:
    """Read and match; safe off the GUI thread. ``scope`` ``None`` or empty is the first that has images:
    those without labels only where there are no others.

    Raises:
        ProjectError: the run has no detections that can be read.
    """
    detections = load_detections(run)
    images = project.image_list()
    trained = trained_images(run, images)
    looked_at = predicted_images(run)
    scopes = {**image_sets(images, looked_at, trained)}
    if len(unlabelled := unlabelled_images(images, looked_at)):
        scopes[Scope.UNLABELLED] = unlabelled
    if scope is None or scope not in scopes:
        scope = usual_scope(scopes)
    chosen = scopes.get(scope, np.zeros(0, np.int64))
    classes = {item.id: item for item in project.classes()}
    run_rows = _within(detections, chosen, classes)
    evaluation = LiveEvaluation(
        project.ground_truth(chosen.tolist()),
        detections.take(run_rows),
        class_ids=list(classes),
        iou_threshold=iou_threshold,
        image_ids=chosen,
    )
    evaluation.counts(0.5)
    return Review(
        run=run,
        scope=scope,
        scopes=scopes,
        trained=int(np.isin(chosen, trained).sum()),
        unread=unread_images(images, left_out_images(run), trained, scope),
        classes=classes,
        paths=ImageFiles(project.image_root, images),
        source=ErrorSource(
            evaluation=evaluation,
            run_rows=run_rows,
            fingerprint=fingerprint_of(detections),
            links=ErrorLinks(evaluation),
            judged=JudgedItems(evaluation, run.name, run_rows, read_verdicts(project)),
            unjudged=scope is Scope.UNLABELLED,
        ),
        best_threshold=best_threshold(evaluation),
        answers=load_answers(run),
    )


def best_threshold(evaluation: LiveEvaluation) -> float:
    """The score at which F1 over all classes is highest; 0.5 where nothing is found."""
    curve = evaluation.curve()
    return thresholds.best_threshold(thresholds.points_along(curve.scores, curve.recall))


def _within(detections: Detections, image_ids: IntArray, classes: Mapping[int, ObjectClass]) -> IntArray:
    """Rows of those on the images, of classes that still exist; ascending."""
    known = np.isin(detections.labels, np.fromiter(classes, np.int64, len(classes)))
    return np.flatnonzero(known & np.isin(detections.image_ids, image_ids))
