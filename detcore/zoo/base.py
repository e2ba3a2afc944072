"""What every detector is, whoever wrote its insides."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NotRequired, TypedDict

from torch import Tensor, nn

from detcore.zoo.class_rows import ClassRows
from detcore.zoo.spec import Suppression

SCORE_FLOOR = 0.01
"""Detections below this are not worth keeping: COCO's AP hardly feels them, and lists grow long."""
TORCH_FILES = (".safetensors", ".pt", ".pth")
"""Suffixes of weights files that hold named tensors."""
MAX_DETECTIONS = 100
"""An image; what COCO's AP looks at."""


class Target(TypedDict):
    """The objects of one image: ``boxes`` (N, 4) float xyxy in pixels of the batch, ``labels`` (N,)
    int64 from 0, ``ignore`` (M, 4) areas that count neither as object nor as background. ``scores`` (N,) in 0..1 say how
    sure it is that they are there, for detectors whose card says that they weigh them; without them all are."""

    boxes: Tensor
    labels: Tensor
    ignore: Tensor
    scores: NotRequired[Tensor]


class Found(TypedDict):
    """The detections of one image, best first: ``boxes`` (N, 4), ``labels`` (N,), ``scores`` (N,)."""

    boxes: Tensor
    labels: Tensor
    scores: Tensor


class Look(TypedDict):
    """One image as a detector sees it: what it has ``found``, and its answers at all A places before
    thresholds and NMS, ``boxes`` (A, 4) in pixels of the batch and ``scores`` (A, K)."""

    found: Found
    boxes: Tensor
    scores: Tensor


class Detector(nn.Module, ABC):
    """A detector of ``num_classes`` classes.

    Images are (B, 3, H, W) float RGB in 0..1, H and W multiples of 32. Under autocast the insides may
    run in bf16; losses and decoding are fp32.
    """

    num_classes: int
    class_rows: Mapping[str, ClassRows] = {}
    """Which tensors have rows for each class, by their names, with ``*``: where classes of other weights have the same
    names, their rows are taken over."""
    label_smoothing: float = 0.0
    """The share of each label that is spread over all classes, where the spec says that losses look at it."""
    class_losses: Tensor | None = None
    """(K,) the part of the last losses, added up, that each class had; ``None`` where a detector does not tell."""

    @abstractmethod
    def losses(self, images: Tensor, targets: list[Target]) -> dict[str, Tensor]:
        """Named scalar losses to be added up. Images without boxes are allowed."""

    @abstractmethod
    def look(self, images: Tensor) -> list[Look]:
        """What is found: at most ``MAX_DETECTIONS`` an image, scores of at least ``SCORE_FLOOR``, class-wise
        NMS done; and all that was answered."""

    def parameter_count(self) -> int:
        """How many parameters it has, as those who published it count them."""
        return sum(parameter.numel() for parameter in self.parameters())

    def stages(self) -> list[nn.Module]:
        """The parts of the network that a step takes most of its time and memory for, none within another: each gives the
        same answers whenever it is called with the same inputs, so that these can be computed again. None unless a
        detector names them."""
        return []

    def published(self, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The tensors of a published weights file under the names that they have here, wherever they differ by
        more than a prefix."""
        return dict(tensors)

    def read_file(self, path: Path) -> dict[str, Tensor] | None:
        """The tensors of a weights file that only this detector can read, by our names; ``None`` of all other files. Raises
        ConfigError where it is broken."""
        return None

    def detect(self, images: Tensor) -> list[Found]:
        """What is found alone."""
        return [look["found"] for look in self.look(images)]

    def forward(self, images: Tensor, targets: list[Target] | None = None) -> dict[str, Tensor] | list[Found]:
        """Losses when there are targets, else detections."""
        return self.detect(images) if targets is None else self.losses(images, targets)


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which answers about an image become detections: the ``max_candidates`` best of those above ``score_floor``,
    less what ``suppression`` at ``nms_iou`` takes away, and of the rest the ``max_detections`` best."""

    nms_iou: float
    score_floor: float = SCORE_FLOOR
    max_detections: int = MAX_DETECTIONS
    max_candidates: int = 1000
    suppression: Suppression = "classwise"


@dataclass(frozen=True, slots=True, kw_only=True)
class DenseNet:
    """A detector as it leaves the program, without anything that depends on what is in an image.

    ``net`` takes (B, 3, side, side) float RGB in 0..1, for any B, and gives boxes (B, A, 4) xyxy in pixels of the
    input and scores (B, A, K). ``selection`` makes detections of them. Where it is not ``ordered``, rounding can let places change
    theirs.
    """

    net: nn.Module
    side: int
    selection: Selection
    ordered: bool = True
