"""What is exported of each detector is what it answers in the program."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from detcore.deploy.checking import compare_detections
from detcore.deploy.onnx_file import onnx_model, run_onnx, with_nms, write_onnx
from detcore.deploy.torch_file import record
from detcore.zoo.base import DenseNet, Selection
from detcore.zoo.building import build_dense, build_detector
from detcore.zoo.catalogue import detectors
from detcore.zoo.detectors.reticle import Reticle
from tests.detcore.deploy.conftest import wakened

SMALL: dict[str, dict[str, Any]] = {
    name: {"backbone": "mobilenet_v3_large"} for name in ("retinanet", "fcos")
}


def dense_and_detector(model: str, image_size: int = 64):
    torch.manual_seed(0)
    detector = build_detector(model, num_classes=3, image_size=image_size, options=SMALL.get(model))
    if isinstance(detector, Reticle):
        wakened(detector)
    return build_dense(model, detector, image_size=image_size), detector


@pytest.mark.parametrize("model", [spec.id for spec in detectors().values() if spec.deploy])
def test_the_answers_are_those_of_the_detector(model: str) -> None:
    dense, detector = dense_and_detector(model)
    images = torch.rand(2, 3, dense.side, dense.side)
    with torch.no_grad():
        boxes, scores = dense.net(images)
        looks = detector.look(images)
    for row, look in enumerate(looks):
        assert torch.allclose(boxes[row], look["boxes"], atol=1e-3)
        assert torch.allclose(scores[row], look["scores"], atol=1e-6)


@pytest.mark.parametrize("model", ["ssd300-vgg16", "reticle-n"])
def test_a_detector_leaves_as_onnx(tmp_path: Path, model: str) -> None:
    dense, detector = dense_and_detector(model)
    with torch.no_grad():
        for name, value in detector.named_parameters():
            if "regression_head" in name or "edges.2" in name:
                value.mul_(0.1)  # boxes of a size that occurs
    frames = np.random.default_rng(0).random((2, 3, dense.side, dense.side), dtype=np.float32)
    write_onnx(onnx_model(record(dense)), tmp_path / "model.onnx")
    boxes, scores = run_onnx(tmp_path / "model.onnx")(frames)
    with torch.no_grad():
        looks = detector.look(torch.from_numpy(frames))
    for row, look in enumerate(looks):
        assert np.abs(boxes[row] - look["boxes"].numpy()).max() < 0.01
        assert np.abs(scores[row] - look["scores"].numpy()).max() < 1e-4


class _Fixed(nn.Module):
    """Places and scores that do not depend on the image, whose first value scales the scores."""

    def __init__(self, boxes: list[list[float]], scores: list[list[float]]) -> None:
        super().__init__()
        self.register_buffer("boxes", torch.tensor(boxes))
        self.register_buffer("scores", torch.tensor(scores))

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        factor = images[:, :1, 0, 0, None]
        return self.boxes + 0 * factor, self.scores * factor


def test_nms_inside_works_class_by_class_clips_and_drops_what_has_no_area(tmp_path: Path) -> None:
    boxes = [
        [0.0, 0.0, 10.0, 10.0],
        [1.0, 0.0, 11.0, 10.0],  # IoU with the first 90 / 110
        [2.5, 0.0, 12.5, 10.0],  # 75 / 125 with the first is no more than 0.6
        [20.0, 20.0, 50.0, 50.0],  # beyond the border at 32
        [40.0, 5.0, 60.0, 9.0],  # outside altogether
    ]
    scores = [[0.9, 0.02], [0.8, 0.7], [0.6, 0.0], [0.5, 0.0], [0.95, 0.0]]
    selection = Selection(score_floor=0.05, nms_iou=0.6, max_detections=4)
    dense = DenseNet(net=_Fixed(boxes, scores), side=32, selection=selection)
    model = onnx_model(record(dense))
    write_onnx(with_nms(model, selection, side=32), tmp_path / "nms.onnx")
    images = np.ones((2, 3, 32, 32), np.float32)
    images[1] = 0.07  # then only what is above 0.05 / 0.07 counts
    (rows,) = run_onnx(tmp_path / "nms.onnx")(images)
    wanted = [
        [0.0, 0.0, 10.0, 10.0, 0.9, 0.0],
        [1.0, 0.0, 11.0, 10.0, 0.7, 1.0],
        [2.5, 0.0, 12.5, 10.0, 0.6, 0.0],
        [20.0, 20.0, 32.0, 32.0, 0.5, 0.0],
    ]
    assert np.allclose(rows[0], wanted)
    assert np.allclose(rows[1, 0], [0.0, 0.0, 10.0, 10.0, 0.063, 0.0])
    assert np.allclose(rows[1, 1:], [[0.0, 0.0, 0.0, 0.0, 0.0, -1.0]] * 3)


BOXES = np.array([[[0, 0, 10, 10], [1, 0, 11, 10], [20, 20, 30, 30]]], np.float32)
SCORES = np.array([[[0.9], [0.8], [0.5]]], np.float32)
RIGHT = [[0, 0, 10, 10, 0.9, 0], [20, 20, 30, 30, 0.5, 0]]


@pytest.mark.parametrize(
    ("rows", "is_right"),
    [
        (RIGHT, True),
        (RIGHT[:1], False),  # one is missing
        ([[1, 0, 11, 10, 0.8, 0], RIGHT[1]], False),  # the weaker of two
        ([*RIGHT, [1, 0, 11, 10, 0.8, 0]], False),  # both of two
        ([[0, 0, 10, 10.5, 0.9, 0], RIGHT[1]], False),  # not where torch has it
    ],
)
def test_the_check_knows_what_nms_leaves(rows: list[list[float]], is_right: bool) -> None:
    filled = np.array([rows + [[0, 0, 0, 0, 0, -1]] * (4 - len(rows))], np.float32)
    difference = compare_detections(
        lambda _images: (filled,),
        lambda _images: (BOXES, SCORES),
        np.zeros((1, 3, 32, 32), np.float32),
        side=32,
        selection=Selection(score_floor=0.05, nms_iou=0.6, max_detections=4),
    )
    assert (difference.box <= 0.01) is is_right
