"""What darknet's heads learn, by hand."""

from __future__ import annotations

import math

import pytest
import torch

from detcore.zoo.base import Target
from detcore.zoo.darknet.cfg import parse_cfg
from detcore.zoo.detectors.darknet import Darknet

HEAD = """\
[net]
width=64
height=64
[convolutional]
filters=14
size=1
stride=32
pad=0
activation=linear
[yolo]
mask=0,1
anchors=16,16, 32,32
classes=2
num=2
ignore_thresh=.7
"""
REGION = HEAD.replace(
    "[yolo]\nmask=0,1\nanchors=16,16, 32,32",
    "[region]\nanchors=.5,.5, 1,1\nsoftmax=1\nbias_match=1\nthresh=.6",
)


def target(
    *boxes: list[float], labels: list[int] | None = None, ignore: list[list[float]] | None = None
) -> Target:
    return Target(
        boxes=torch.tensor(boxes).view(-1, 4),
        labels=torch.tensor(labels or [0] * len(boxes), dtype=torch.int64),
        ignore=torch.tensor(ignore or []).view(-1, 4),
    )


def silent(text: str) -> Darknet:
    """A network of 2 × 2 cells with two anchors each, all of whose answers are 0."""
    detector = Darknet(text, parse_cfg(text).layers[-1].whole("classes"))
    with torch.no_grad():
        for parameter in detector.parameters():
            parameter.zero_()
    return detector.eval()


def losses(text: str, *targets: Target, images: int = 1) -> dict[str, float]:
    told = silent(text).losses(torch.zeros(images, 3, 64, 64), list(targets))
    return {name: float(value.detach()) for name, value in told.items()}


def test_background_of_eight_places() -> None:
    assert losses(HEAD, target()) == {"box": 0.0, "object": pytest.approx(8 * math.log(2)), "class": 0.0}


def test_an_object_like_the_second_anchor_in_the_middle_of_the_first_cell() -> None:
    # Middle (16, 16) of a cell of 32: half, where σ(0) is; 32² is the anchor: ln 1 = 0. Half of the sides: 2 − ¼.
    # So nothing is left of the box. Two classes at σ(0), each an entropy of ln 2. The place of the first anchor has an IoU of ¼.
    assert losses(HEAD, target([0, 0, 32, 32])) == {
        "box": 0.0,
        "object": pytest.approx(8 * math.log(2)),
        "class": pytest.approx(2 * math.log(2)),
    }


def test_sizes_are_half_the_square_of_the_logarithm() -> None:
    # 64 × 32: the second anchor, IoU ½ against ⅛; ln 2 across. The area is half the image: 2 − ½. ¾ is the usual share of boxes.
    wanted = 0.75 * 1.5 * math.log(2) ** 2 / 2
    assert losses(HEAD, target([-16, 0, 48, 32]))["box"] == pytest.approx(wanted)


def test_boxes_that_fit_well_without_being_chosen_are_not_background() -> None:
    # 30² in the first cell belongs to the 32² anchor, whose box has an IoU of 900/1024; with an object of the same kind in
    # areas to ignore two more places, those of the cell to the right, do not count.
    assert losses(HEAD, target([1, 1, 31, 31], ignore=[[32, 0, 64, 32]]))["object"] == pytest.approx(
        6 * math.log(2)
    )


def test_losses_are_divided_by_images() -> None:
    two = losses(HEAD, target([0, 0, 32, 32]), target(), images=2)
    assert two["class"] == pytest.approx(math.log(2))


def test_overlap_losses_have_their_share() -> None:
    text = HEAD + "iou_loss=ciou\niou_normalizer=.5\n"
    # The box told is the object itself: nothing is left.
    assert losses(text, target([0, 0, 32, 32]))["box"] == pytest.approx(0, abs=1e-5)
    # Of 16 × 32 in the middle of it: IoU ½, middles alike, aspect 4/π² (atan ½ − atan 1)².
    likeness = 4 / math.pi**2 * (math.atan(0.5) - math.pi / 4) ** 2
    wanted = 0.5 * (0.5 + likeness**2 / (0.5 + likeness))
    assert losses(text, target([8, 0, 24, 32]))["box"] == pytest.approx(wanted, rel=1e-4)


def test_anchors_of_other_heads_take_their_objects() -> None:
    assert (
        losses(HEAD.replace("mask=0,1", "mask=0").replace("filters=14", "filters=7"), target([0, 0, 32, 32]))[
            "class"
        ]
        == 0
    )


def test_several_anchors_learn_one_object_where_it_is_allowed() -> None:
    # The first anchor has an IoU of ¼ with it by shape.
    told = losses(HEAD + "iou_thresh=.2\n", target([0, 0, 32, 32]))
    assert told["class"] == pytest.approx(4 * math.log(2))


def test_region_learns_one_class_of_a_softmax_and_draws_boxes_to_anchors_at_first() -> None:
    told = losses(REGION, target([4, 0, 36, 32]))
    # The middle is ⅛ of a cell from where all are told, and those of the others from nothing: (2 − ¼) · ½ · (⅛)².
    assert told["box"] == pytest.approx(1.75 / 2 / 64)
    assert told["class"] == pytest.approx(math.log(2))
    assert told["object"] == pytest.approx(8 * math.log(2))


def test_region_counts_its_images() -> None:
    detector = silent(REGION).train()
    detector.losses(torch.zeros(2, 3, 64, 64), [target(), target()])
    assert int(detector.get_buffer("seen")) == 2


V1 = """\
[net]
width=64
height=64
[connected]
output=48
activation=linear
[detection]
classes=2
coords=4
side=2
num=2
rescore=0
sqrt=1
object_scale=1
noobject_scale=.5
class_scale=1
coord_scale=5
"""


def test_the_first_yolo_learns_squares() -> None:
    told = losses(V1, target([0, 0, 32, 32], labels=[1]))
    # Object of cell 0, middle (½, ½) of it, half the image: √½ each. 5 · ½ · (¼ + ¼ + ½ + ½); ½ · 1² for object and class.
    assert told == {"box": pytest.approx(3.75), "object": pytest.approx(0.5), "class": pytest.approx(0.5)}
