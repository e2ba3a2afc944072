"""What is exported of each detector is what it answers in the program."""

from __future__ import annotations

import re
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor, nn

from detcore.deploy.checking import compare_answers, compare_detections
from detcore.deploy.onnx_file import onnx_model, run_onnx, with_nms, write_onnx
from detcore.deploy.torch_file import record, run_module
from detcore.zoo.base import DenseNet, Detector, Selection
from detcore.zoo.building import build_dense, build_detector
from detcore.zoo.catalogue import detectors, find_detector
from detcore.zoo.detectors.fcos import FcosDetector
from detcore.zoo.detectors.reticle import Reticle
from detcore.zoo.installed import missing_for
from detcore.zoo.spec import Suppression
from tests.detcore.conftest import draw_images
from tests.detcore.deploy.conftest import coloured_squares, wakened

DEPLOYED = [spec.id for spec in detectors().values() if spec.deploy and missing_for(spec) is None]
ONE_OF_EACH_KIND = ("reticle-s-pretrained", "ssdlite320", "fcos")
"""SSD300 and RetinaNet answer by the same code as the last two. Writing one takes long."""
SMALL: dict[str, dict[str, Any]] = {
    name: {"backbone": "mobilenet_v3_large", "freeze_norm": False} for name in ("retinanet", "fcos")
}


def dense_and_detector(model: str, image_size: int = 64):
    torch.manual_seed(0)
    if find_detector(model).family == "transformers":
        detector: Detector = import_module("tests.detcore.zoo.tiny_transformers").tiny_detector(model)
    else:
        detector = build_detector(model, num_classes=3, image_size=image_size, options=SMALL.get(model))
    if isinstance(detector, Reticle):
        wakened(detector)
    return build_dense(model, detector, image_size=image_size), detector


@pytest.mark.parametrize("model", DEPLOYED)
def test_the_answers_are_those_of_the_detector(model: str) -> None:
    dense, detector = dense_and_detector(model)
    assert dense.selection.suppression == find_detector(model).suppression
    images = torch.rand(2, 3, dense.side, dense.side)
    with torch.no_grad():
        boxes, scores = dense.net(images)
        looks = detector.look(images)
    for row, look in enumerate(looks):
        # of some a place answers for its best class alone, and is looked at in full
        counts = getattr(detector, "candidates", lambda answers: answers)(look["scores"])
        assert torch.allclose(boxes[row], look["boxes"], atol=1e-3)
        assert torch.allclose(scores[row], counts, atol=1e-6)


def test_places_without_an_order_are_compared_with_the_nearest() -> None:
    boxes = np.float32([[[0, 0, 4, 4], [10, 10, 20, 20]]])
    scores = np.float32([[[0.9, 0.1], [0.2, 0.7]]])
    turned = compare_answers(
        lambda _: (boxes[:, ::-1], scores[:, ::-1]), lambda _: (boxes, scores), np.zeros(1), ordered=False
    )
    assert (turned.box, turned.score) == (0.0, 0.0)
    other = np.float32([[[0, 0, 4, 4], [10, 10, 20, 23]]])
    found = compare_answers(lambda _: (other, scores), lambda _: (boxes, scores), np.zeros(1), ordered=False)
    assert found.box == 3.0
    # an answer told twice and another one not at all
    twice = compare_answers(
        lambda _: (boxes[:, [0, 0]], scores[:, [0, 0]]), lambda _: (boxes, scores), np.zeros(1), ordered=False
    )
    assert twice.box == 16.0


CLASSES = re.compile(r"(classes\.2|cls_logits|classification_head\.module_list\.\d(\.1)?)$")
EDGES = re.compile(r"(edges\.2|bbox_(reg|ctrness)|regression_head\.module_list\.\d(\.1)?)$")


def spread_about(layer: nn.Conv2d, centre: float | Tensor, spread: float) -> None:
    """Give what each channel of a layer answers, from its next call on, that mean, and all of it that deviation."""

    def scale(_layer: nn.Module, _inputs: object, answers: Tensor) -> None:
        handle.remove()
        bare = answers - layer.bias[:, None, None]
        means = bare.mean(dim=(0, 2, 3))
        factor = spread / (bare - means[:, None, None]).std()
        layer.weight.mul_(factor)
        layer.bias.copy_(centre - factor * means)

    handle = layer.register_forward_hook(scale)


@torch.no_grad()
def spread_answers(detector: Detector, frames: Tensor) -> None:
    """Random heads say nearly the same of every place: let scores lie apart, and boxes have sizes that occur. Not
    further apart than that rounding, which these networks enlarge as much, stays far below what is allowed."""
    norms = [module for module in detector.modules() if isinstance(module, nn.BatchNorm2d)]
    if norms and not isinstance(detector, Reticle):  # which is wakened
        for norm in norms:
            norm.momentum = 1.0
        net = detector.net.train()
        net.head(list(net.backbone(coloured_squares(frames.shape[-1])).values()))
        detector.eval()
    edges: float | Tensor = 0.0
    if isinstance(detector, Reticle):
        edges = -0.5 * torch.arange(16).repeat(4)  # of distances the near ones are likely
    elif isinstance(detector, FcosDetector):
        edges = 0.5  # strides
    for name, layer in detector.named_modules():
        if CLASSES.search(name) and isinstance(layer, nn.Conv2d):
            spread_about(layer, -2.0, 0.1)
        elif EDGES.search(name) and isinstance(layer, nn.Conv2d):
            spread_about(layer, edges, 0.02)
    detector.look(frames)


@pytest.mark.parametrize("model", ONE_OF_EACH_KIND)
def test_a_detector_leaves_as_onnx_for_any_number_of_images_with_and_without_nms(
    tmp_path: Path, model: str
) -> None:
    """Of Reticle S a whole export is tested elsewhere."""
    dense, detector = dense_and_detector(model)
    side = dense.side
    paths, _ = draw_images(tmp_path, count=3, width=side, height=side, classes=3)
    images = [cv2.imread(str(path))[:, :, ::-1].transpose(2, 0, 1) for path in paths]
    frames = np.float32(images) / 255
    spread_answers(detector, torch.from_numpy(frames))
    recorded = onnx_model(record(dense))  # from two images
    write_onnx(recorded, tmp_path / "model.onnx")
    for some in (frames, frames[:1]):
        boxes, scores = run_onnx(tmp_path / "model.onnx")(some)
        with torch.no_grad():
            looks = detector.look(torch.from_numpy(some))
        assert len(boxes) == len(scores) == len(looks)
        for row, look in enumerate(looks):
            assert np.abs(boxes[row] - look["boxes"].numpy()).max() < 0.01
            assert np.abs(scores[row] - look["scores"].numpy()).max() < 1e-4
            assert scores[row].std() > 0.003  # thirty times what is allowed
    write_onnx(with_nms(recorded, dense.selection, side=side), tmp_path / "nms.onnx")
    for some in (frames, frames[:1]):
        detect = run_onnx(tmp_path / "nms.onnx")
        difference = compare_detections(
            detect, run_module(dense.net), some, side=side, selection=dense.selection
        )
        assert difference.box < 0.01
        assert difference.score < 1e-4
        (rows,) = detect(some)
        assert ((rows[..., 5] >= 0).sum(axis=1) > 5).all()


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
    images = np.ones((2, 3, 32, 32), np.float32)
    images[1] = 0.07  # then only what is above 0.05 / 0.07 counts

    def detections(suppression: Suppression) -> np.ndarray:
        chosen = with_nms(model, replace(selection, suppression=suppression), side=32)
        write_onnx(chosen, tmp_path / "nms.onnx")
        (rows,) = run_onnx(tmp_path / "nms.onnx")(images)
        return rows

    rows = detections("classwise")
    wanted = [
        [0.0, 0.0, 10.0, 10.0, 0.9, 0.0],
        [1.0, 0.0, 11.0, 10.0, 0.7, 1.0],
        [2.5, 0.0, 12.5, 10.0, 0.6, 0.0],
        [20.0, 20.0, 32.0, 32.0, 0.5, 0.0],
    ]
    assert np.allclose(rows[0], wanted)
    assert np.allclose(rows[1, 0], [0.0, 0.0, 10.0, 10.0, 0.063, 0.0])
    assert np.allclose(rows[1, 1:], [[0.0, 0.0, 0.0, 0.0, 0.0, -1.0]] * 3)
    # over all classes the second box is on the first, whatever it is
    assert np.allclose(detections("hard")[0, :3], [wanted[0], *wanted[2:]])
    assert (detections("hard")[0, 3:, 5] == -1).all()


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


def test_the_check_knows_what_nms_over_all_classes_leaves() -> None:
    scores = np.array([[[0.9, 0.0], [0.0, 0.8], [0.0, 0.5]]], np.float32)
    selection = Selection(score_floor=0.05, nms_iou=0.6, suppression="hard")
    both = [RIGHT[0], [1, 0, 11, 10, 0.8, 1], [20, 20, 30, 30, 0.5, 1]]
    for rows, is_right in (([both[0], both[2]], True), (both, False)):
        found = np.array([rows], np.float32)
        difference = compare_detections(
            lambda _images, found=found: (found,),
            lambda _images: (BOXES, scores),
            np.zeros((1, 3, 32, 32), np.float32),
            side=32,
            selection=selection,
        )
        assert (difference.box <= 0.01) is is_right
