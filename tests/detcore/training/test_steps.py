"""One step of training, by hand: what reaches the network, gradients that are added up, and long ones that are cut."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor, nn

from detcore.data.batches import TrainStream
from detcore.data.cache import ImageCache
from detcore.data.samples import Sample
from detcore.training.trainer import Hook, LastStep, Trainer
from detcore.zoo.base import Detector, Look, Target
from detcore.zoo.running import Compute
from tests.detcore.training.small import descend, small_detector

CPU = torch.device("cpu")


class Colours(Detector):
    """A weight for each colour; the loss is the mean over the images of what these make of the mean colour, so its
    gradient is the mean colour."""

    def __init__(self) -> None:
        super().__init__()
        self.num_classes = 1
        self.weight = nn.Parameter(torch.zeros(3))
        self.seen: list[Tensor] = []

    def losses(self, images: Tensor, targets: list[Target]) -> dict[str, Tensor]:
        self.seen.append(images)
        return {"class": (images.mean(dim=(2, 3)) @ self.weight).mean()}

    def look(self, images: Tensor) -> list[Look]:
        raise NotImplementedError


class Steps(Hook):
    def __init__(self) -> None:
        self.heard: list[LastStep] = []

    def after_step(self, trainer: Trainer) -> None:
        self.heard.append(trainer.last)


def stream_of(folder: Path, colours: list[tuple[int, int, int]]) -> TrainStream:
    """Images of 64 × 64 of one colour each."""
    samples: list[Sample] = []
    for number, colour in enumerate(colours):
        path = folder / f"{number}.png"
        cv2.imwrite(str(path), np.full((64, 64, 3), colour[::-1], np.uint8))
        none = np.zeros((0, 4), np.float32)
        labels = np.zeros(0, np.int64)
        samples.append(Sample(image_id=number, path=str(path), boxes=none, labels=labels, ignore=none))
    return TrainStream(
        samples, ImageCache(longer_side=64), seed=0, problem=lambda error: pytest.fail(str(error))
    )


def one_step(
    stream: TrainStream, *, batch: int, accumulate: int = 1, longest: float = 1e9, cut: bool = True
) -> tuple[Colours, LastStep]:
    """One step of plain descent at rate 1 over one pass."""
    detector, steps = Colours(), Steps()
    descend(detector, stream, hooks=[steps], batch=batch, accumulate=accumulate, longest=longest, cut=cut)
    (last,) = steps.heard
    return detector, last


FOUR = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (51, 102, 204)]


def test_a_step_over_two_halves_is_the_step_over_the_whole(tmp_path: Path) -> None:
    """The mean colour of the four is (306, 357, 459) / 4 of 255."""
    whole, _ = one_step(stream_of(tmp_path, FOUR), batch=4)
    halves, last = one_step(stream_of(tmp_path, FOUR), batch=2, accumulate=2)
    assert [len(images) for images in halves.seen] == [2, 2]
    assert (len(last.image_ids), last.images) == (4, 4)
    wanted = -torch.tensor([0.3, 0.35, 0.45])
    torch.testing.assert_close(whole.weight.detach(), wanted, atol=1e-6, rtol=0)
    torch.testing.assert_close(halves.weight.detach(), wanted, atol=1e-6, rtol=0)


@pytest.mark.parametrize(
    ("longest", "cut", "step"),
    [
        (0.5, True, (0.3, 0.4, 0.0)),  # half as long, in the same direction
        (1.5, True, (0.6, 0.8, 0.0)),
        (0.5, False, (0.6, 0.8, 0.0)),
    ],
)
def test_a_gradient_is_cut_to_the_length_that_is_set_and_told_as_it_was(
    tmp_path: Path, longest: float, cut: bool, step: tuple[float, ...]
) -> None:
    """(153, 204, 0) of 255 is a gradient of (0.6, 0.8, 0), of length 1."""
    stream = stream_of(tmp_path, [(153, 204, 0)])
    detector, last = one_step(stream, batch=1, longest=longest, cut=cut)
    torch.testing.assert_close(-detector.weight.detach(), torch.tensor(step), atol=1e-5, rtol=0)
    assert last.gradient == pytest.approx(1.0, abs=1e-5)


def test_the_length_is_that_of_the_sum_over_the_batches_of_a_step(tmp_path: Path) -> None:
    """Red and green, half of each: (0.5, 0.5, 0), of length √0.5, cut to 0.1."""
    stream = stream_of(tmp_path, FOUR[:2])
    detector, last = one_step(stream, batch=1, accumulate=2, longest=0.1)
    assert last.gradient == pytest.approx(0.5**0.5, abs=1e-5)
    each = 0.1 / 2**0.5
    torch.testing.assert_close(-detector.weight.detach(), torch.tensor([each, each, 0.0]), atol=1e-5, rtol=0)


def test_images_reach_the_network_as_floats_with_their_channels_last(tmp_path: Path) -> None:
    """In memory three values of a pixel lie side by side: of (B, 3, 64, 64) the strides are 64 · 64 · 3, 1, 64 · 3, 3."""
    detector, _ = one_step(stream_of(tmp_path, FOUR), batch=4)
    (images,) = detector.seen
    assert images.dtype == torch.float32
    assert images.shape == (4, 3, 64, 64)
    assert images.stride() == (64 * 64 * 3, 1, 64 * 3, 3)
    np.testing.assert_allclose(
        sorted(images[:, :, 0, 0].tolist()), sorted((np.array(FOUR) / 255).tolist()), atol=1e-6
    )


def test_weights_of_convolutions_have_their_channels_last_as_well() -> None:
    detector = Compute(CPU).place(small_detector())
    weights = [item for item in detector.parameters() if item.ndim == 4]
    assert len(weights) > 20
    assert all(item.is_contiguous(memory_format=torch.channels_last) for item in weights)
