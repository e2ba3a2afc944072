"""Outlines of networks, against hand arithmetic; and what the cards say of their cost."""

from __future__ import annotations

import json
from dataclasses import asdict

import pytest
import torch
from torch import Tensor, nn

from detcore.zoo.base import Detector, Look, Target
from detcore.zoo.building import build_detector
from detcore.zoo.catalogue import detectors
from detcore.zoo.installed import missing_for
from detcore.zoo.outline import Outline
from detcore.zoo.outlining import outline_of

SMALL = [
    spec.id for spec in detectors().values() if 0 < spec.cost.macs < 1.5 and spec.build.startswith("detcore.")
]
"""Of some G multiply-adds the others take many seconds."""


class Toy(Detector):
    """Two stages, a pyramid of two levels over them, and a head that both levels share. The trunk weighs the channels of its
    second stage by what it makes of the whole map."""

    def __init__(self) -> None:
        super().__init__()
        self.num_classes = 2
        self.backbone = nn.ModuleList([nn.Conv2d(3, 4, 3, 2, 1), nn.Conv2d(4, 6, 3, 2, 1)])
        self.backbone.append(nn.Conv2d(6, 6, 1))  # of the pooled map
        self.backbone.append(nn.Conv2d(6, 6, 1, bias=False))
        self.neck = nn.ModuleList([nn.Conv2d(4, 5, 1), nn.Conv2d(6, 5, 1)])
        self.neck.append(nn.Conv2d(5, 5, 1, bias=False))
        self.head = nn.Conv2d(5, 7, 3, padding=1)

    def losses(self, images: Tensor, targets: list[Target]) -> dict[str, Tensor]:
        raise NotImplementedError

    def look(self, images: Tensor) -> list[Look]:
        fine = self.backbone[0](images)
        coarse = self.backbone[1](fine)
        coarse = coarse * self.backbone[2](coarse.mean((2, 3), keepdim=True)).sigmoid()
        coarse = coarse + self.backbone[3](coarse)
        low = self.neck[1](coarse)
        high = self.neck[0](fine) + nn.functional.interpolate(low, scale_factor=2)
        for level in (self.neck[2](high), low):
            self.head(level)
        return []


def test_an_outline_is_that_of_hand_arithmetic() -> None:
    outline = outline_of(Toy(), model="toy", frame=(16, 16))
    told = [
        (
            stage.role,
            stage.channels,
            stage.rows,
            stage.columns,
            dict(stage.layers),
            stage.parameters,
            stage.macs,
        )
        for stage in outline.stages
    ]
    assert told == [
        ("Backbone", 4, 8, 8, {"Conv2d": 1}, 4 * 27 + 4, 64 * 4 * 27),
        # the weights of channels are counted to the map that they weigh
        ("Backbone", 6, 4, 4, {"Conv2d": 3}, 6 * 36 + 6 + 42 + 36, 16 * 6 * 36 + 36 + 16 * 36),
        ("Neck", 5, 4, 4, {"Conv2d": 1}, 35, 16 * 30),
        ("Neck", 5, 8, 8, {"Conv2d": 2}, 25 + 25, 64 * 20 + 64 * 25),
        ("Heads", 7, 8, 8, {"Conv2d": 1}, 7 * 45 + 7, 64 * 7 * 45),
        ("Heads", 7, 4, 4, {"Conv2d": 1}, 0, 16 * 7 * 45),
    ]
    # the pyramid adds its coarse level to the fine one, which the head reads after that
    assert set(outline.links) == {(0, 1), (1, 2), (0, 3), (2, 3), (3, 4), (2, 5)}
    assert outline.values == 64 * 4 + 16 * 6 + 6 + 16 * 6 + 16 * 5 + 2 * 64 * 5 + (64 + 16) * 7
    assert outline.text.startswith("Outlines of networks")
    assert list(outline.files) == [__name__]


def test_an_outline_comes_back_from_json() -> None:
    outline = outline_of(Toy(), model="toy", frame=(16, 16))
    assert Outline.from_dict(json.loads(json.dumps(asdict(outline)))) == outline


@pytest.mark.parametrize("model", SMALL)
def test_the_card_tells_what_the_network_costs_and_the_drawing_leaves_nothing_out(model: str) -> None:
    spec = detectors()[model]
    if missing_for(spec) is not None:
        pytest.skip(f"{model} cannot be built here")
    size = spec.fitted_to({}).input.image_size
    detector = build_detector(model, num_classes=spec.classes, image_size=size)
    outline = outline_of(detector, model=model, frame=(size, size))
    assert outline.macs / 1e9 == pytest.approx(spec.cost.macs, rel=0.02, abs=0.006)
    assert outline.values / 1e6 == pytest.approx(spec.cost.values, rel=0.02)
    assert sum(stage.parameters for stage in outline.stages) == sum(
        parameter.numel() for parameter in detector.parameters()
    )
    assert sum(stage.macs for stage in outline.stages) == outline.macs
    read = {target for _, target in outline.links}
    assert [row for row in range(len(outline.stages)) if row not in read] == [0]  # that which sees the image
    assert {"Backbone", "Heads"} <= {stage.role for stage in outline.stages}


def test_a_pyramid_is_read_level_by_level_and_what_sums_bring_along_is_left_out() -> None:
    detector = build_detector("fcos", num_classes=3, image_size=64, options={"backbone": "resnet18"})
    outline = outline_of(detector, model="fcos", frame=(64, 64))
    sides = [(stage.role, stage.rows) for stage in outline.stages]
    links = {(*sides[source], *sides[target]) for source, target in outline.links}
    trunk = {("Backbone", a, "Backbone", b) for a, b in ((32, 16), (16, 8), (8, 4), (4, 2))}
    lateral = {("Backbone", side, "Neck", side) for side in (8, 4, 2)}
    pyramid = {("Neck", a, "Neck", b) for a, b in ((2, 4), (4, 8))} | {("Neck", 2, "Neck", 1)}
    read = {("Neck", side, "Heads", side) for side in (8, 4, 2, 1)}
    assert links == trunk | lateral | pyramid | read


def test_a_neck_that_goes_down_and_up_again_is_read_both_ways() -> None:
    detector = build_detector("compose", num_classes=3, image_size=64, options={"neck": "pan"})
    outline = outline_of(detector, model="compose", frame=(64, 64))
    necks = {row: stage.rows for row, stage in enumerate(outline.stages) if stage.role == "Neck"}
    within = {(necks[a], necks[b]) for a, b in outline.links if a in necks and b in necks}
    assert within == {(2, 4), (4, 8), (8, 4), (4, 2)}


def test_what_is_unknown_by_name_is_told_apart_by_what_it_does() -> None:
    """A network of darknet numbers its layers: maps shrink in the backbone, grow in the neck, and heads end it."""
    detector = build_detector("darknet", num_classes=3, image_size=416)
    outline = outline_of(detector, model="darknet", frame=(64, 64))
    told = [(stage.role, stage.rows) for stage in outline.stages]
    assert told == [
        *(("Backbone", side) for side in (64, 32, 16, 8, 4, 2)),
        ("Heads", 2),
        ("Neck", 4),
        ("Heads", 4),
    ]
    assert torch.is_grad_enabled()
