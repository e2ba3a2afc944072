"""What is exported of each detector is what it answers in the program."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from detcore.deploy.checking import compare_answers, compare_detections
from detcore.deploy.onnx_file import onnx_model, run_onnx, with_nms, write_onnx
from detcore.deploy.torch_file import record, run_module
from detcore.zoo.base import DenseNet, Selection
from detcore.zoo.building import build_dense, build_detector
from detcore.zoo.catalogue import detectors
from detcore.zoo.detectors.reticle_s import ReticleS
from tests.detcore.deploy.conftest import wakened

SMALL: dict[str, dict[str, Any]] = {
    name: {"backbone": "mobilenet_v3_large"} for name in ("retinanet", "fcos")
}


def dense_and_detector(model: str, image_size: int = 64):
    torch.manual_seed(0)
    detector = build_detector(model, num_classes=3, image_size=image_size, options=SMALL.get(model))
    if isinstance(detector, ReticleS):
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


def test_a_detector_of_torchvision_leaves_as_onnx_with_nms(tmp_path: Path) -> None:
    dense, detector = dense_and_detector("ssd300-vgg16")
    with torch.no_grad():
        for name, value in detector.named_parameters():
            if "regression_head" in name:
                value.mul_(0.1)  # boxes of a size that occurs
    frames = np.random.default_rng(0).random((2, 3, dense.side, dense.side), dtype=np.float32)
    model = onnx_model(record(dense))
    write_onnx(model, tmp_path / "plain.onnx")
    write_onnx(with_nms(model, dense.selection, side=dense.side), tmp_path / "nms.onnx")
    answers = run_onnx(tmp_path / "plain.onnx")
    compare_answers(answers, run_module(dense.net), frames).check()
    found = run_onnx(tmp_path / "nms.onnx")
    compare_detections(found, answers, frames, side=dense.side, selection=dense.selection).check()


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
