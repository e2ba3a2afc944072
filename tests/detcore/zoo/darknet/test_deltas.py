"""The gradients of what darknet's heads learn are its deltas, as plain loops give them."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from detcore.zoo.base import Target
from detcore.zoo.darknet.cfg import Section, Value
from detcore.zoo.darknet.heads import CellHead, GridHead
from detcore.zoo.darknet.losses.detection import cell_losses
from detcore.zoo.darknet.losses.overlap_delta import overlap_delta
from detcore.zoo.darknet.losses.region import region_losses
from detcore.zoo.darknet.losses.yolo import yolo_losses
from tests.detcore.zoo.darknet.loops import (
    Box,
    Grid,
    Truth,
    detection_deltas,
    iou_delta,
    region_deltas,
    yolo_deltas,
)

WIDTH, HEIGHT, CLASSES = 96, 64, 3
PIXELS = ((10.0, 14.0), (28.0, 24.0), (40.0, 60.0))
# Of each image objects as x1 y1 x2 y2 in pixels and a class; two of the first lie in the cell of column 2 and row 1.
OBJECTS: list[list[tuple[list[float], int]]] = [
    [([66, 34, 94, 58], 1), ([70, 38, 90, 62], 2), ([2, 4, 14, 20], 0)],
    [([20, 2, 60, 62], 2)],
    [],
]


def section(kind: str, **values: Any) -> Section:
    return Section(
        kind=kind, line=1, values={key: Value(text=str(value), line=1) for key, value in values.items()}
    )


def targets() -> list[Target]:
    return [
        Target(
            boxes=torch.tensor([box for box, _ in objects]).view(-1, 4),
            labels=torch.tensor([label for _, label in objects], dtype=torch.int64),
            ignore=torch.zeros(0, 4),
        )
        for objects in OBJECTS
    ]


def truths(objects: list[tuple[list[float], int]]) -> list[Truth]:
    return [
        (
            ((x1 + x2) / 2 / WIDTH, (y1 + y2) / 2 / HEIGHT, (x2 - x1) / WIDTH, (y2 - y1) / HEIGHT),
            label,
        )
        for (x1, y1, x2, y2), label in objects
    ]


def answers_near(seed: int, anchors: int) -> Tensor:
    """(images, anchors · 8, 2, 3) random answers."""
    return torch.randn(
        len(OBJECTS), anchors * (5 + CLASSES), 2, 3, generator=torch.Generator().manual_seed(seed)
    )


def by_place(maps: Tensor, anchors: int) -> Tensor:
    """(images, places, 8) of maps, places row by row."""
    return maps.view(len(maps), anchors, -1, 2, 3).permute(0, 3, 4, 1, 2).flatten(1, 3)


@pytest.mark.parametrize(
    "rules",
    [
        {},
        {"ignore_thresh": 0.2, "obj_normalizer": 0.4, "iou_normalizer": 0.3, "delta_normalizer": 0.5},
        {"scale_x_y": 1.2, "label_smooth_eps": 0.1},
        {"iou_loss": "iou", "iou_normalizer": 0.07},
        {"iou_loss": "giou", "max_delta": 0.5},
        {"iou_loss": "diou", "scale_x_y": 1.05},
        {"iou_loss": "ciou", "iou_thresh": 0.2, "cls_normalizer": 7},
        {"iou_loss": "ciou", "new_coords": 1, "scale_x_y": 2, "objectness_smooth": 1, "ignore_thresh": 0.1},
        {"new_coords": 1, "scale_x_y": 2, "iou_thresh": 0.3},
        {"focal_loss": 1},
        {"counters_per_class": "10,20,40", "cls_normalizer": 0.5, "max_delta": 3},
        {"truth_thresh": 0.3},
    ],
    ids=lambda rules: ",".join(f"{key}={value}" for key, value in rules.items()) or "plain",
)
@pytest.mark.parametrize("seed", [0, 1])
def test_yolo(rules: dict[str, Any], seed: int) -> None:
    flat = ",".join(str(side) for anchor in PIXELS for side in anchor)
    head = GridHead(section("yolo", classes=CLASSES, num=3, mask="1,0", anchors=flat, **rules))
    features = answers_near(seed, 2).requires_grad_()
    told = head.answers(features, width=WIDTH, height=HEIGHT)
    parts = yolo_losses(head, told, targets(), all_anchors=head.network_anchors)
    (gradient,) = torch.autograd.grad(sum(parts.values(), torch.zeros(())), features)
    grid = Grid(columns=3, rows=2, width=WIDTH, height=HEIGHT, anchors=PIXELS, mask=(1, 0), classes=CLASSES)
    raw = by_place(features.detach(), 2)
    wanted = torch.tensor(
        [
            yolo_deltas(grid, raw[image].tolist(), truths(objects), rules)
            for image, objects in enumerate(OBJECTS)
        ]
    )
    share = float(rules.get("delta_normalizer", 1)) / len(OBJECTS)
    torch.testing.assert_close(by_place(gradient, 2), -share * wanted, rtol=2e-4, atol=2e-6)


@pytest.mark.parametrize("seen", [0, 12800])
@pytest.mark.parametrize(
    "rules",
    [
        {"softmax": 1, "bias_match": 1, "rescore": 1, "thresh": 0.6, "object_scale": 5},
        {"softmax": 1, "coord_scale": 2, "thresh": 0.1, "noobject_scale": 0.5, "class_scale": 3},
        {"bias_match": 1},
    ],
    ids=["published", "by boxes", "logistic classes"],
)
def test_region(rules: dict[str, Any], seen: int) -> None:
    anchors = ((0.4, 0.5), (0.9, 0.8), (1.3, 1.9))
    flat = ",".join(str(side) for anchor in anchors for side in anchor)
    head = GridHead(section("region", classes=CLASSES, num=3, anchors=flat, **rules))
    features = answers_near(3, 3).requires_grad_()
    told = head.answers(features, width=WIDTH, height=HEIGHT)
    parts = region_losses(head, told, targets(), seen=seen)
    (gradient,) = torch.autograd.grad(sum(parts.values(), torch.zeros(())), features)
    grid = Grid(
        columns=3, rows=2, width=WIDTH, height=HEIGHT, anchors=anchors, mask=(0, 1, 2), classes=CLASSES
    )
    raw = by_place(features.detach(), 3)
    wanted = torch.tensor(
        [
            region_deltas(grid, raw[image].tolist(), truths(objects), rules, seen=seen)
            for image, objects in enumerate(OBJECTS)
        ]
    )
    torch.testing.assert_close(by_place(gradient, 3), -wanted / len(OBJECTS), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    "rules",
    [
        {"sqrt": 1, "rescore": 1, "coord_scale": 5, "noobject_scale": 0.5},
        {"rescore": 1, "object_scale": 2, "class_scale": 3},
        {"sqrt": 1, "forced": 1},
    ],
    ids=["published", "plain sides", "forced"],
)
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_detection(rules: dict[str, Any], seed: int) -> None:
    head = CellHead(section("detection", classes=CLASSES, num=2, side=2, coords=4, **rules))
    generator = torch.Generator().manual_seed(seed)
    features = torch.rand(len(OBJECTS), 4 * (CLASSES + 10), generator=generator).requires_grad_()
    told = head.answers(features, width=WIDTH, height=HEIGHT)
    parts = cell_losses(head, told, targets(), width=WIDTH, height=HEIGHT, seen=0)
    (gradient,) = torch.autograd.grad(sum(parts.values(), torch.zeros(())), features)
    wanted = torch.tensor(
        [
            detection_deltas(2, 2, CLASSES, features[image].tolist(), truths(objects), rules)
            for image, objects in enumerate(OBJECTS)
        ]
    )
    torch.testing.assert_close(gradient, -wanted / len(OBJECTS), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("kind", ["iou", "giou", "diou", "ciou"])
def test_boxes_apart_within_and_across_each_other(kind: str) -> None:
    pairs: list[tuple[Box, Box]] = [
        ((0.2, 0.2, 0.1, 0.2), (0.7, 0.6, 0.3, 0.1)),
        ((0.5, 0.5, 0.2, 0.1), (0.5, 0.52, 0.6, 0.7)),
        ((0.4, 0.3, 0.5, 0.2), (0.45, 0.35, 0.2, 0.5)),
        ((0.3, 0.5, 0.2, 0.2), (0.6, 0.52, 0.2, 0.3)),
    ]
    boxes, others = (torch.tensor(side) for side in zip(*pairs, strict=True))
    wanted = torch.tensor([iou_delta(box, other, kind) for box, other in pairs])
    torch.testing.assert_close(overlap_delta(boxes, others, kind), wanted, rtol=1e-4, atol=1e-5)


def test_the_delta_of_an_overlap_by_hand() -> None:
    # Half the image at ¼, ¼ and 4 of 64 pixels to the right: overlap 7/16 · ½, union ½ − that. By the right border ½ / union, by the left
    # one ½ · overlap / union².
    (delta,) = overlap_delta(
        torch.tensor([[0.25, 0.25, 0.5, 0.5]]), torch.tensor([[0.3125, 0.25, 0.5, 0.5]]), "iou"
    ).tolist()
    assert [delta[0], delta[2]] == pytest.approx([3.1605, 0.3951], abs=1e-4)


@pytest.mark.parametrize(
    ("kind", "values", "box"),
    [
        # σ(ln 3) is ¾; cells are 32 pixels, the anchor 10 × 20 pixels or half a cell and one.
        ("yolo", {"anchors": "10,20"}, [2.75 * 32, 1.5 * 32, 30, 40]),
        ("yolo", {"anchors": "10,20", "scale_x_y": 1.2}, [2.8 * 32, 1.5 * 32, 30, 40]),
        (
            "yolo",
            {"anchors": "10,20", "scale_x_y": 2, "new_coords": 1},
            [96, 1.5 * 32, 22.5, 20 * (4 / 3) ** 2],
        ),
        ("region", {"anchors": ".5,1"}, [2.75 * 32, 1.5 * 32, 48, 64]),
    ],
)
def test_what_a_place_tells_as_a_box(kind: str, values: dict[str, Any], box: list[float]) -> None:
    head = GridHead(section(kind, classes=1, num=1, **values))
    features = torch.zeros(1, 6, 2, 3)
    features[0, :, 1, 2] = torch.tensor([3.0, 1.0, 3.0, 2.0, 4.0, 1.0]).log()
    told = head.answers(features, width=WIDTH, height=HEIGHT)
    assert told.boxes[0, -1].tolist() == pytest.approx(box, rel=1e-5)
    # Objectness σ(ln 4) = ⅘; the only class of a logistic function a half.
    assert float(head.scores(told)[0, -1, 0].detach()) == pytest.approx(0.4)


def test_what_a_cell_of_the_first_yolo_tells_as_boxes() -> None:
    head = CellHead(section("detection", classes=2, num=2, side=2, coords=4, sqrt=1))
    numbers = torch.zeros(4 * 12)
    numbers[3 * 2 : 4 * 2] = torch.tensor([0.5, 0.25])  # classes of the last cell
    numbers[8 + 6 : 8 + 8] = torch.tensor([0.4, 0.8])  # objectness of its boxes
    numbers[-4:] = torch.tensor([0.5, 0.25, 0.5, 0.7])  # its second box: sides of a quarter and .49
    told = head.answers(numbers[None], width=WIDTH, height=HEIGHT)
    assert told.boxes[0, 3, 1].tolist() == pytest.approx([0.75 * 96, 0.625 * 64, 24, 0.49 * 64])
    assert head.scores(told)[0, -1].tolist() == pytest.approx([0.4, 0.2])
