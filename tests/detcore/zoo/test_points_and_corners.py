"""CenterNet and CornerNet from answers to boxes and losses, by hand; and what DSSD's finest map knows."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from detcore.zoo.base import Target
from detcore.zoo.detectors.centernet import CenterNet
from detcore.zoo.detectors.composed import Composed
from detcore.zoo.detectors.cornernet import CornerAnswers, CornerNet, grouping
from detcore.zoo.specs.written_here import DssdOptions

IMAGE = torch.zeros(1, 3, 96, 128)
ROWS, COLUMNS = 24, 32
SURE = 12.0
"""A logit."""


def target(*boxes: tuple[float, float, float, float], label: int = 1) -> Target:
    return Target(
        boxes=torch.tensor(boxes), labels=torch.full((len(boxes),), label), ignore=torch.zeros(0, 4)
    )


def heat_of(label: int, *cells: tuple[int, int]) -> Tensor:
    """Logits of three classes that are sure of these (row, column) and of nothing else."""
    heat = torch.full((1, 3, ROWS, COLUMNS), -SURE)
    for row, column in cells:
        heat[0, label, row, column] = SURE
    return heat


def test_centernet_finds_what_its_maps_say_and_that_costs_nothing() -> None:
    # 10..42 × 20..60 has its middle at (26, 40): 6.5 and 10 cells of 4 pixels, and is 8 × 10 cells large.
    size, offset = torch.zeros(2, 1, 2, ROWS, COLUMNS)
    size[0, :, 10, 6], offset[0, :, 10, 6] = torch.tensor([8.0, 10.0]), torch.tensor([0.5, 0.0])
    detector = CenterNet(3)
    detector.predict = lambda _images: (heat_of(1, (10, 6)), size, offset)  # type: ignore[method-assign]
    (found,) = detector.detect(IMAGE)
    assert found["boxes"].tolist() == [[10, 20, 42, 60]]
    assert found["labels"].tolist() == [1]
    losses = detector.losses(IMAGE, [target((10.0, 20.0, 42.0, 60.0))])
    assert {name: float(value) for name, value in losses.items()} == pytest.approx(
        dict.fromkeys(losses, 0.0), abs=1e-3
    )
    # Of another width by two cells: a tenth of 2. Of a middle that is off by half a cell: that.
    losses = detector.losses(IMAGE, [target((6.0, 20.0, 46.0, 60.0))])
    assert float(losses["size"]) == pytest.approx(0.2)
    losses = detector.losses(IMAGE, [target((8.0, 20.0, 40.0, 60.0))])
    assert float(losses["offset"]) == pytest.approx(0.5)


def corners(cells: list[tuple[int, int]], tags: list[float], offset: float, label: int = 1) -> CornerAnswers:
    tag = torch.zeros(1, 1, ROWS, COLUMNS)
    for (row, column), value in zip(cells, tags, strict=True):
        tag[0, 0, row, column] = value
    return CornerAnswers(
        heat=heat_of(label, *cells), tag=tag, offset=torch.full((1, 2, ROWS, COLUMNS), offset)
    )


def corner_net(upper: CornerAnswers, lower: CornerAnswers) -> CornerNet:
    detector = CornerNet(3)
    detector.predict = lambda _images: (upper, lower)  # type: ignore[method-assign]
    return detector


def test_cornernet_pairs_corners_that_say_alike_and_that_costs_nothing() -> None:
    # Two objects beside each other, 10..42 × 18..58 and 62..106 × 22..62: corners at 2.5 and 10.5 cells, and so on.
    upper = corners([(4, 2), (5, 15)], [0.0, 2.0], 0.5)
    lower = corners([(14, 10), (15, 26)], [0.1, 1.9], 0.5)
    detector = corner_net(upper, lower)
    (found,) = detector.detect(IMAGE)
    boxes = sorted(
        box for box, score in zip(found["boxes"].tolist(), found["scores"], strict=True) if score > 0.9
    )
    assert boxes == [[10, 18, 42, 58], [62, 22, 106, 62]]
    losses = detector.losses(IMAGE, [target((10.0, 18.0, 42.0, 58.0), (62.0, 22.0, 106.0, 62.0))])
    assert float(losses["heat"]) == pytest.approx(0.0, abs=1e-3)
    assert float(losses["offset"]) == 0.0
    assert float(losses["push"]) == 0.0
    # Each tag is 0.05 from the mean of its pair: 4 · 0.05² over two objects, a tenth of it.
    assert float(losses["pull"]) == pytest.approx(0.1 * 4 * 0.05**2 / 2)


@pytest.mark.parametrize(
    ("cell", "tag", "label"),
    [((14, 10), 0.6, 1), ((14, 10), 0.0, 2), ((3, 10), 0.0, 1), ((14, 1), 0.0, 1)],
    ids=["of another tag", "of another class", "above", "to the left"],
)
def test_corners_that_do_not_fit_are_no_object(cell: tuple[int, int], tag: float, label: int) -> None:
    detector = corner_net(corners([(4, 2)], [0.0], 0.5), corners([cell], [tag], 0.5, label))
    # The score of a pair is the mean: each of them with some corner that nobody sees would have a half.
    assert not (detector.detect(IMAGE)[0]["scores"] > 0.9).any()


def test_tags_are_pulled_to_their_mean_and_pushed_from_others_up_to_one() -> None:
    pull, push = grouping(torch.tensor([1.0, 1.2]), torch.tensor([1.0, 1.6]))
    # Means 1 and 1.4; 0.2² twice over two objects; 1 − 0.4 for both of the two pairs.
    assert float(pull) == pytest.approx(2 * 0.2**2 / 2)
    assert float(push) == pytest.approx(0.6)


def test_dssds_finest_map_is_told_what_the_coarsest_means() -> None:
    torch.manual_seed(0)
    detector = Composed(2, DssdOptions().parts())
    maps = [torch.rand(2, width, side, side) for width, side in ((64, 8), (96, 4), (128, 2))]
    for shrink in detector.coarser:
        maps.append(shrink(maps[-1]))
    assert [features.shape[-1] for features in maps] == [8, 4, 2, 1, 1]
    for features in maps:
        features.retain_grad() if features.requires_grad else features.requires_grad_()
    finest = detector.neck(maps)[0]
    torch.autograd.backward(finest.sum())
    assert all(features.grad is not None and bool(features.grad.any()) for features in maps)
