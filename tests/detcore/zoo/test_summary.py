"""What a network costs, against hand arithmetic."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from torch import nn

from detcore.cli import main
from detcore.zoo.building import build_detector
from detcore.zoo.outlining import outline_of
from detcore.zoo.summary import detector_costs, layer_costs
from tests.detcore.zoo.darknet.test_cfg import SMALL


def test_multiply_adds_are_those_of_hand_arithmetic() -> None:
    net = nn.Sequential(
        nn.Conv2d(3, 8, 3, stride=2, padding=1),  # 8 × 16 × 16 values of 3 · 3 · 3 products
        nn.BatchNorm2d(8),
        nn.Conv2d(8, 8, 5, padding=2, groups=8, bias=False),  # 8 × 16 × 16 of 5 · 5
        nn.Flatten(),
        nn.Linear(2048, 10),  # 10 of 2,048
    )
    costs = layer_costs(net, lambda: net(torch.zeros(1, 3, 32, 32)))
    assert [(cost.name, cost.kind, cost.parameters, cost.macs) for cost in costs] == [
        ("0", "Conv2d", 3 * 8 * 9 + 8, 2048 * 27),
        ("2", "Conv2d", 8 * 25, 2048 * 25),
        ("4", "Linear", 2048 * 10 + 10, 20480),
    ]
    assert layer_costs(net, lambda: None)[0].macs == 0


ATTENTIVE = """\
[net]
width=64
height=32
[convolutional]
filters=4
size=3
stride=16
pad=1
[local]
filters=4
[avgpool]
[convolutional]
filters=4
activation=logistic
[scale_channels]
from=-3
[sam]
from=-1
[convolutional]
filters=7
activation=linear
[yolo]
classes=2
num=1
anchors=8,8
"""


def counted(cfg: Path, text: str, capsys: pytest.CaptureFixture[str]) -> list[tuple[str, int]]:
    """The kinds of layers and their multiply-adds, as the command tells them of a `.cfg`."""
    cfg.write_text(text, encoding="utf-8")
    assert main(["model-info", str(cfg), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["macs"] == sum(layer["macs"] for layer in told["layers"])
    return [(layer["kind"], layer["macs"]) for layer in told["layers"]]


def test_the_command_counts_all_layers_of_darknet_at_the_size_of_the_network(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert counted(tmp_path / "my.cfg", ATTENTIVE, capsys) == [
        ("Conv2d", 4 * 27 * 8),  # 2 × 4 places
        ("Local", 4 * 4 * 8),
        ("Conv2d", 4 * 4),  # of the pooled map
        ("Product", 4 * 8),  # by channels
        ("Product", 4 * 8),  # by places
        ("Conv2d", 7 * 4 * 8),
    ]
    wide = SMALL.replace("width=64 ", "width=96 ")
    assert counted(tmp_path / "my.cfg", wide, capsys) == [
        ("Conv2d", 8 * 27 * 32 * 48),
        ("Conv2d", 21 * 8 * 16 * 24),
    ]


def test_a_drawing_counts_what_the_command_counts() -> None:
    detector = build_detector("darknet", num_classes=2, image_size=64, options={"cfg": ATTENTIVE})
    outline = outline_of(detector, model="darknet", frame=(32, 64))
    assert outline.macs == sum(cost.macs for cost in detector_costs(detector, frame=(32, 64)))
    assert sum(stage.macs for stage in outline.stages) == outline.macs


def test_the_command_counts_a_detector(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["model-info", "reticle-s", "--classes", "5", "--image-size", "64"]
    assert main([*words, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    stem = told["layers"][0]
    # 16 channels of 32 × 32, each value a sum over 3 × 3 × 3
    assert (stem["parameters"], stem["macs"]) == (16 * 27, 16 * 32 * 32 * 27)
    assert told["macs"] == sum(layer["macs"] for layer in told["layers"])
    # the last layers of the three heads: 64 channels to 5 scores, at 64, 16 and 4 places
    scores = [layer["macs"] for layer in told["layers"] if layer["name"].endswith("classes.2")]
    assert scores == [64 * 5 * places for places in (64, 16, 4)]
    assert 1.1e6 < told["params"] < 1.3e6
    assert main(words) == 0
    assert "Reticle S, 5 classes, 64 × 64 pixels: 1.2" in capsys.readouterr().out
