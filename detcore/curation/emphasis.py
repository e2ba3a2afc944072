"""What a run got wrong, as weights for the images of the next run.

False positives on background make their images hard negatives; images with missed objects are drawn more
often. Counts and strengths are kept apart: the counts are a file of the new run, the strengths are in its
config.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from detcore.atomic import atomic_write
from detcore.boxes import Xyxy, areas, clip
from detcore.curation.judged_items import JudgedItems
from detcore.errors import ConfigError
from detcore.evaluation import thresholds
from detcore.evaluation.error_types import KINDS, ErrorType, find_error_types
from detcore.evaluation.judged import judge
from detcore.evaluation.live import LiveEvaluation
from detcore.project.runs import RunFolder, load_detections, predicted_images
from detcore.project.snapshot import Snapshot
from detcore.project.verdict_rows import Verdict, VerdictKind
from detcore.types import Detections, FloatArray, GroundTruth, IntArray
from detcore.untrusted_json import fits, read_object

DEFAULT_STRENGTH = 0.5
"""For ``hard_negatives`` and ``oversample`` alike, when a person only says that it is wanted."""

GREATEST_WEIGHT = 4.0
"""However much is wrong in an image, it is drawn at most so often for each time that others are."""

SENT_SETTING = "train.sent_errors"
"""The project's setting of what waits for its next training: an object with the name of the ``run``, or null."""

_SHARE = 0.5
"""Of a box inside a part of its image, from which on the error is one there."""
_FORMAT = 1
_RECORD_KINDS = {
    "run": "str",
    "threshold": "float",
    "iou_threshold": "float",
    "images": "dict[str, dict[str, int]]",
}
_PLACES_KIND = "dict[str, dict[str, list[list[float]]]]"


class NotLookedAtError(ConfigError):
    """A run has not predicted on the images in question."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageErrors:
    """``false_positives`` on background and ``misses`` in one image."""

    false_positives: int
    misses: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorPlaces:
    """The boxes of the errors in one image, in its pixels."""

    false_positives: tuple[Xyxy, ...]
    misses: tuple[Xyxy, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Emphasis:
    """The errors of ``run`` by image id, counted at a confidence ``threshold`` and an IoU, and the ``places`` of them,
    which files of 0.1 have not. Images without errors are not in it."""

    run: str
    threshold: float
    iou_threshold: float
    images: Mapping[int, ImageErrors]
    places: Mapping[int, ErrorPlaces] = field(default_factory=dict[int, ErrorPlaces])

    @property
    def false_positives(self) -> int:
        return sum(image.false_positives for image in self.images.values())

    @property
    def misses(self) -> int:
        return sum(image.misses for image in self.images.values())

    def weights(
        self,
        image_ids: Sequence[int],
        *,
        hard_negatives: float,
        oversample: float,
        parts: FloatArray | None = None,
    ) -> FloatArray:
        """(N,) how often each image is drawn in a pass, from 1 to ``GREATEST_WEIGHT``; or each part of one, ``parts`` (N, 4)
        in pixels, where an error counts if half of its box or more lies there.

        An image with as many false positives as these images have on average is drawn ``hard_negatives``
        times more, one with so many misses ``oversample`` times more. So it counts where a run erred more
        than elsewhere, whether it erred a lot or a little. Of parts, most of which are without, the average is that
        of those with such errors.
        """
        nothing = ImageErrors(false_positives=0, misses=0)
        found = [self.images.get(image_id, nothing) for image_id in image_ids]
        if parts is not None:
            found = [
                _errors_within(part, self.places[image_id]) if image_id in self.places else one
                for image_id, part, one in zip(image_ids, parts, found, strict=True)
            ]
        false = np.array([one.false_positives for one in found], dtype=np.float64)
        missed = np.array([one.misses for one in found], dtype=np.float64)
        weights = np.ones(len(found))
        for errors, strength in ((false, hard_negatives), (missed, oversample)):
            if errors.any():
                weights += strength * errors / (errors if parts is None else errors[errors > 0]).mean()
        return np.minimum(weights, GREATEST_WEIGHT)

    def save(self, path: Path) -> None:
        """Write JSON, all of it or nothing."""
        record = {
            "format": _FORMAT,
            "run": self.run,
            "threshold": self.threshold,
            "iou_threshold": self.iou_threshold,
            "images": {
                str(image_id): {"false_positives": one.false_positives, "misses": one.misses}
                for image_id, one in sorted(self.images.items())
            },
            "places": {str(image_id): asdict(one) for image_id, one in sorted(self.places.items())},
        }
        with atomic_write(path) as temporary:
            temporary.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Emphasis:
        """Read what ``save`` wrote.

        Raises:
            ConfigError: the file is missing or not one of these.
        """
        try:
            record = read_object(path)
            if record["format"] != _FORMAT:
                raise ConfigError(f"format {record['format']!r:.40} is not known here", path=path)
            wrong = [name for name, kind in _RECORD_KINDS.items() if not fits(record[name], kind)]
            if wrong:
                raise ValueError(f"{wrong[0]} is of a wrong kind")
            return cls(
                run=record["run"],
                threshold=float(record["threshold"]),
                iou_threshold=float(record["iou_threshold"]),
                images={int(image_id): ImageErrors(**one) for image_id, one in record["images"].items()},
                places=_read_places(record.get("places", {})),
            )
        except FileNotFoundError as error:
            raise ConfigError(
                "the errors that the run is to learn from are missing",
                path=path,
                hint="Start a new run",
            ) from error
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ConfigError(f"not a list of errors to learn from ({error})", path=path) from error


def find_emphasis(
    run: RunFolder,
    snapshot: Snapshot,
    *,
    verdicts: Iterable[Verdict] = (),
    threshold: float | None = None,
    iou_threshold: float = 0.5,
) -> Emphasis:
    """The errors of a run in the labelled images that a new run would learn from, as they are labelled now.

    Without a ``threshold`` that of the best F1. Images of the validation and test splits take no part, nor do
    those that the run has not looked at. What the ``verdicts``, given while any run was looked at, say is
    ambiguous does not count: nobody knows what there is to learn. What they mended is no error any more.

    Raises:
        ProjectError: the run has no detections.
        ConfigError: no labelled image is there to train on.
        NotLookedAtError: the run has looked at none of those.
    """
    looked_at = predicted_images(run)
    chosen = _learnt_from(run, snapshot, looked_at)
    image_ids = np.array(chosen, dtype=np.int64)
    class_ids = np.array([item.id for item in snapshot.classes], dtype=np.int64)
    gt = snapshot.only(chosen).ground_truth
    dets = load_detections(run)
    run_rows = np.flatnonzero(np.isin(dets.image_ids, image_ids) & np.isin(dets.labels, class_ids))
    dets = dets.take(run_rows)
    if threshold is None:
        threshold = best_threshold(gt, dets, image_ids, class_ids, iou_threshold=iou_threshold)
    live = LiveEvaluation(gt, dets, class_ids=class_ids, image_ids=image_ids, iou_threshold=iou_threshold)
    kinds = find_error_types(gt, dets, image_ids, class_ids, iou_threshold=iou_threshold).kind
    false = live.false_positives(threshold)
    false = false[kinds[false] == KINDS.index(ErrorType.BACKGROUND)]
    missed = live.missed(threshold)
    taking_part = set(chosen)
    judged = JudgedItems(
        live, run.name, run_rows, [verdict for verdict in verdicts if verdict.image_id in taking_part]
    )
    false_boxes = _boxes(live.dets.image_ids[false], (-false - 1).tolist(), live.dets.boxes[false], judged)
    missed_boxes = _boxes(
        live.gt.image_ids[missed], live.gt.ids[missed].tolist(), live.gt.boxes[missed], judged
    )
    places = {
        image_id: ErrorPlaces(
            false_positives=tuple(false_boxes.get(image_id, ())), misses=tuple(missed_boxes.get(image_id, ()))
        )
        for image_id in sorted(false_boxes.keys() | missed_boxes.keys())
    }
    return Emphasis(
        run=run.name,
        threshold=threshold,
        iou_threshold=iou_threshold,
        images={
            image_id: ImageErrors(false_positives=len(one.false_positives), misses=len(one.misses))
            for image_id, one in places.items()
        },
        places=places,
    )


def best_threshold(
    gt: GroundTruth, dets: Detections, image_ids: IntArray, class_ids: IntArray, *, iou_threshold: float
) -> float:
    """The confidence at which F1 over all classes is highest; 0.5 where nothing is found."""
    (judged,) = judge(gt, dets, image_ids, class_ids, iou_thresholds=(iou_threshold,))
    return thresholds.best_threshold(thresholds.operating_points(judged.outcomes()))


def _learnt_from(run: RunFolder, snapshot: Snapshot, looked_at: Collection[int]) -> list[int]:
    """The images that a new run would learn from and this one has looked at; never empty."""
    usable = [image.id for image in snapshot.training_images]
    if not usable:
        raise ConfigError(
            "there is no labelled image to train on",
            hint="Label images, or move some from the validation and test splits to train",
        )
    chosen = [image_id for image_id in usable if image_id in looked_at]
    if not chosen:
        raise NotLookedAtError(
            f"run {run.name} has looked at no labelled training image",
            path=run.path,
            hint="Let it predict on all images first",
        )
    return chosen


def _boxes(
    image_ids: IntArray, keys: Sequence[int], boxes: FloatArray, judged: JudgedItems
) -> dict[int, list[Xyxy]]:
    """The (N, 4) boxes by image, to a tenth of a pixel; ``keys`` as ``JudgedItems.of`` has them. Ambiguous ones do not
    count."""
    found: dict[int, list[Xyxy]] = {}
    for image_id, key, (x1, y1, x2, y2) in zip(
        image_ids.tolist(), keys, boxes.round(1).tolist(), strict=True
    ):
        verdict = judged.of(key, image_id)
        if verdict is None or verdict.kind is not VerdictKind.AMBIGUOUS:
            found.setdefault(image_id, []).append((x1, y1, x2, y2))
    return found


def _errors_within(part: FloatArray, places: ErrorPlaces) -> ImageErrors:
    """Those in a part (4,) of an image."""
    return ImageErrors(
        false_positives=_count_within(part, places.false_positives), misses=_count_within(part, places.misses)
    )


def _count_within(part: FloatArray, boxes: Sequence[Xyxy]) -> int:
    whole = np.array(boxes, np.float64).reshape(-1, 4)
    corner, width, height = part[[0, 1, 0, 1]], part[2] - part[0], part[3] - part[1]
    inside = areas(clip(whole - corner, width=float(width), height=float(height)))
    return int((inside >= _SHARE * areas(whole)).sum())


def _read_places(record: Any) -> dict[int, ErrorPlaces]:
    """Raises ValueError or TypeError where a file has something else."""
    if not fits(record, _PLACES_KIND):
        raise ValueError("places is of a wrong kind")
    return {
        int(image_id): ErrorPlaces(**{kind: tuple(map(_read_box, boxes)) for kind, boxes in one.items()})
        for image_id, one in record.items()
    }


def _read_box(edges: Sequence[float]) -> Xyxy:
    x1, y1, x2, y2 = edges
    return x1, y1, x2, y2
