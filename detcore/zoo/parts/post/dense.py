"""Detectors that answer at all places at once, as they look at images and as they leave the program."""

from __future__ import annotations

from abc import abstractmethod

from torch import Tensor, nn

from detcore.zoo.base import DenseNet, Detector, Look, Selection
from detcore.zoo.folding import with_merged_branches
from detcore.zoo.parts.post.select import looks_at


class DenseDetector(Detector):
    """What it finds is what its ``selection`` takes of its answers."""

    selection: Selection

    @abstractmethod
    def answers(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Boxes (B, A, 4) xyxy in pixels of the batch and scores (B, A, K) at all places, fp32."""

    def look(self, images: Tensor) -> list[Look]:
        return looks_at(images, self.answers(images), self.selection)


class Answering(nn.Module):
    """The answers of a detector as those of a network."""

    def __init__(self, detector: DenseDetector) -> None:
        super().__init__()
        self.detector = detector

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        return self.detector.answers(images)


def dense(detector: DenseDetector, image_size: int) -> DenseNet:
    """A detector as it leaves the program, with its branches merged."""
    net = Answering(with_merged_branches(detector))
    return DenseNet(net=net, side=image_size, selection=detector.selection)
