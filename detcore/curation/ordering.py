"""In which order to label images: those first from which the next model would learn most.

Three things count: how unsure a run is about an image, how much two runs disagree about it, and how unlike it
is to images that are labelled already or come earlier in the order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from detcore.curation.descriptors import Descriptors, Progress, describe_files
from detcore.errors import Cancelled, ConfigError, ImageError
from detcore.evaluation.live import LiveEvaluation
from detcore.evaluation.pairs import image_pairs
from detcore.evaluation.problem import arrange
from detcore.project.reading import ProjectReader
from detcore.project.runs import RunFolder, load_detections, predicted_images
from detcore.project.snapshot import SnapshotImage, take_snapshot
from detcore.types import Detections, FloatArray, GroundTruth, Image, IntArray

LEAST_SCORE = 0.05
"""Detections below it say nothing."""

_RIVAL_IOU = 0.5
_BLOCK = 1024
_LEAST_USE = 0.05
"""Of an image of which nobody is unsure; a model may be sure and wrong, so being unlike others still
counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """An image to label. ``uncertainty``, ``disagreement`` (0 without a second run) and ``novelty`` when it
    was chosen, each 0 to 1; ``worth``, which comes from them, is what the order is by, the highest first."""

    image: Image
    uncertainty: float
    disagreement: float
    novelty: float
    worth: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """``candidates``, the most useful first; how many images are ``unlabelled`` in all; ``problems`` of files
    that could not be read."""

    candidates: tuple[Candidate, ...]
    unlabelled: int
    problems: tuple[ImageError, ...]


def order_unlabelled(
    project: ProjectReader,
    run: RunFolder,
    *,
    second: RunFolder | None = None,
    count: int | None = None,
    progress: Progress | None = None,
) -> Order:
    """The unlabelled images of a project that the runs have looked at, the most useful first; nothing when
    all images are labelled.

    Raises:
        ConfigError: there are unlabelled images, and the runs have looked at none of them.
        ProjectError: a run has no detections.
        Cancelled: ``progress`` returned false.
    """
    snapshot = take_snapshot(project)
    labelled = {image.id for image in snapshot.labelled_images}
    unlabelled = [image for image in snapshot.images if image.id not in labelled]
    if not unlabelled:
        return Order(candidates=(), unlabelled=0, problems=())
    looked_at = predicted_images(run)
    if second is not None:
        looked_at &= predicted_images(second)
    wanted = [image.id for image in unlabelled if image.id in looked_at]
    if not wanted:
        raise ConfigError(
            "the run has looked at no unlabelled image",
            path=project.folder,
            hint="Let it predict on all images first",
        )
    descriptors = describe_files(_files(snapshot.images, {*wanted, *labelled}), progress=progress)
    image_ids = np.array([i for i in descriptors.image_ids.tolist() if i not in labelled], np.int64)
    dets = _on_images(load_detections(run), image_ids)
    unsure = uncertainty(dets, image_ids)
    apart = (
        np.zeros(len(image_ids))
        if second is None
        else disagreement(dets, _on_images(load_detections(second), image_ids), image_ids)
    )
    use = unsure if second is None else (unsure + apart) / 2.0
    features = _standardised(descriptors)
    known = np.isin(descriptors.image_ids, np.fromiter(labelled, np.int64, len(labelled)))
    places, novelty = spread(use, features[~known], known=features[known], count=count, progress=progress)
    images = project.images(image_ids[places].tolist())
    return Order(
        candidates=tuple(
            Candidate(
                image=image,
                uncertainty=float(unsure[place]),
                disagreement=float(apart[place]),
                novelty=float(novel),
                worth=float(_value(use[place]) * novel),
            )
            for image, place, novel in zip(images, places.tolist(), novelty.tolist(), strict=True)
        ),
        unlabelled=len(unlabelled),
        problems=descriptors.problems,
    )


def uncertainty(dets: Detections, image_ids: IntArray) -> FloatArray:
    """(I,) doubt about each image, 0 to 1: the mean doubt of its detections, each counted by its score. One
    object that is sure is thrown in, so that an image with hardly anything in it is hardly doubtful.

    The doubt of a detection is the entropy of its score in bits, or the score of the lesser of it and a
    detection of another class in the same place, whichever is more.
    """
    dets = dets.take((dets.scores >= LEAST_SCORE) & np.isin(dets.image_ids, image_ids))
    doubt = np.maximum(entropy(dets.scores), _rivalry(dets, image_ids))
    doubts = _sum_by_image(dets.image_ids, doubt * dets.scores, image_ids)
    return doubts / (1.0 + _sum_by_image(dets.image_ids, dets.scores, image_ids))


def entropy(probabilities: FloatArray) -> FloatArray:
    """(N,) bits of a yes or no of that probability; 1 at a half, 0 at 0 and 1."""
    sides = np.stack([probabilities, 1.0 - probabilities])
    logarithm = np.log2(sides, out=np.zeros_like(sides), where=sides > 0)
    return -(sides * logarithm).sum(axis=0)


def disagreement(dets: Detections, others: Detections, image_ids: IntArray) -> FloatArray:
    """(I,) how unlike two runs see each image, 0 to 1: one less the share of scores that both give to the
    same objects (soft Dice, matched by class at IoU 0.5). 0 where neither sees anything."""
    dets, others = (some.take(some.scores >= LEAST_SCORE) for some in (dets, others))
    class_ids = np.union1d(dets.labels, others.labels)
    live = LiveEvaluation(_as_truth(dets), others, class_ids=class_ids, image_ids=image_ids)
    shared = np.minimum(dets.scores, np.maximum(live.found_scores(), 0.0))
    common = _sum_by_image(dets.image_ids, shared, image_ids)
    total = _sum_by_image(dets.image_ids, dets.scores, image_ids)
    total += _sum_by_image(others.image_ids, others.scores, image_ids)
    agreement = np.divide(2.0 * common, total, out=np.ones(len(image_ids)), where=total > 0)
    return 1.0 - agreement


def spread(
    use: FloatArray,
    features: FloatArray,
    *,
    known: FloatArray,
    count: int | None = None,
    progress: Progress | None = None,
) -> tuple[IntArray, FloatArray]:
    """Take one after another the place whose ``use`` (N,) times novelty is highest: (C,) places and their
    novelty when taken, 0 to 1.

    Novelty d / (d + m) comes from the distance d of ``features`` (N, F) to the nearest that is ``known`` (K,
    F) or taken, and m, the median of that distance at the start. Farthest-first traversal, as in Gonzalez
    (1985), weighted.

    Raises:
        Cancelled: ``progress`` returned false.
    """
    total = len(use) if count is None else min(count, len(use))
    value = _value(use)
    nearest = _nearest(features, known if len(known) else features.mean(axis=0, keepdims=True))
    middle = float(np.median(nearest)) or 1.0
    left = np.ones(len(use), np.bool_)
    places, novelties = np.empty(total, np.int64), np.empty(total)
    for step in range(total):
        novelty = nearest / (nearest + middle)
        place = int(np.argmax(np.where(left, value * novelty, -1.0)))
        places[step], novelties[step] = place, novelty[place]
        left[place] = False
        nearest = np.minimum(nearest, np.sqrt(((features - features[place]) ** 2).sum(axis=1)))
        if progress is not None and not progress(step + 1, total):
            raise Cancelled("ordering images was cancelled")
    return places, novelties


def _value(use: FloatArray) -> FloatArray:
    """What an image is worth that is unlike all others."""
    return _LEAST_USE + (1.0 - _LEAST_USE) * use


def _nearest(features: FloatArray, known: FloatArray) -> FloatArray:
    """(N,) distance of each to the nearest of ``known`` (K, F)."""
    squares = (features**2).sum(axis=1)
    nearest = np.full(len(features), np.inf)
    for first in range(0, len(known), _BLOCK):
        some = known[first : first + _BLOCK]
        distances = squares[:, None] + (some**2).sum(axis=1) - 2.0 * (features @ some.T)
        nearest = np.minimum(nearest, distances.min(axis=1))
    return np.sqrt(np.maximum(nearest, 0.0))


def _standardised(descriptors: Descriptors) -> FloatArray:
    """(N, 32) features in standard deviations, so that each weighs alike."""
    features = descriptors.features
    deviation = features.std(axis=0)
    return (features - features.mean(axis=0)) / np.where(deviation > 0, deviation, 1.0)


def _files(images: Sequence[SnapshotImage], wanted: set[int]) -> list[tuple[int, Path]]:
    return [(image.id, Path(image.path)) for image in images if image.id in wanted]


def _on_images(dets: Detections, image_ids: IntArray) -> Detections:
    return dets.take(np.isin(dets.image_ids, image_ids))


def _rivalry(dets: Detections, image_ids: IntArray) -> FloatArray:
    """(N,) the score of the lesser of each detection and its best rival of another class in the same
    place."""
    truth = _as_truth(dets)
    problem = arrange(truth, dets, image_ids=image_ids, class_ids=np.unique(dets.labels))
    order = problem.by_score[np.argsort(problem.det_image[problem.by_score], kind="stable")]
    pairs = image_pairs(problem, order, min_iou=_RIVAL_IOU)
    pairs = pairs.take(problem.det_class[pairs.det] != problem.gt_class[pairs.gt])
    det, rival = problem.det_rows[pairs.det], problem.gt_rows[pairs.gt]
    lesser = np.zeros(len(dets))
    np.maximum.at(lesser, det, np.minimum(dets.scores[det], dets.scores[rival]))
    return lesser


def _as_truth(dets: Detections) -> GroundTruth:
    sides = dets.boxes[:, 2:] - dets.boxes[:, :2]
    nobody = np.zeros(len(dets), np.bool_)
    return GroundTruth(
        ids=np.arange(1, len(dets) + 1),
        image_ids=dets.image_ids,
        labels=dets.labels,
        boxes=dets.boxes,
        areas=sides[:, 0] * sides[:, 1],
        crowd=nobody,
        difficult=nobody,
    )


def _sum_by_image(owners: IntArray, values: FloatArray, image_ids: IntArray) -> FloatArray:
    place = np.argsort(image_ids)
    at = place[np.searchsorted(image_ids, owners, sorter=place)]
    return np.asarray(np.bincount(at, weights=values, minlength=len(image_ids)), np.float64)
