"""Every detector in the registry keeps the one contract."""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module

import numpy as np
import pytest
import torch

from detcore.data.batches import stack
from detcore.data.letterbox import fit_frame, resize
from detcore.data.tensors import to_tensor
from detcore.zoo.base import Detector, Target
from detcore.zoo.building import build_detector
from detcore.zoo.catalogue import detectors
from detcore.zoo.detectors.composed import Composed
from detcore.zoo.detectors.fcos import FcosDetector
from detcore.zoo.detectors.reticle import Reticle
from detcore.zoo.detectors.retinanet import RetinaNetDetector
from detcore.zoo.detectors.ssdlite import SsdLite
from detcore.zoo.installed import missing_for

WITHOUT_EXTRA = (
    "centernet compose cornernet darknet dssd faster-rcnn fcos reticle-m reticle-n reticle-s "
    "reticle-s-pretrained retinanet ssd300-vgg16 ssdlite320 yolo-anchors"
)
OF_TRANSFORMERS = "conditional-detr d-fine deformable-detr deim-v2 detr lw-detr rf-detr rt-detr-v2 yolos"
EXTRAS = {
    **dict.fromkeys(WITHOUT_EXTRA.split(), ""),
    "efficientdet": "timm",
    **dict.fromkeys(OF_TRANSFORMERS.split(), "detr"),
}
"""Which extra each of Reticle's detectors needs, by their ids."""
NAMES = sorted(spec.id for spec in detectors().values() if missing_for(spec) is None)
LARGE = "ssd300-vgg16"
"""It makes 300 pixels a side of any image, and has no norms that want several; batches of two are in
test_torchvision_detectors."""


def target(*boxes: tuple[float, float, float, float], label: int = 0, ignore: bool = False) -> Target:
    rows = torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4)
    return Target(
        boxes=rows,
        labels=torch.full((len(boxes),), label, dtype=torch.int64),
        ignore=torch.tensor([[0.0, 0.0, 128.0, 96.0]]) if ignore else torch.zeros(0, 4),
    )


def noise(name: str, height: int = 96, width: int = 128) -> torch.Tensor:
    """(2, 3, height, width) images, one for the detector that takes as long for it as all others together."""
    return torch.rand(1 if name == LARGE else 2, 3, height, width)


def build(name: str, num_classes: int = 3, size: int = 128) -> Detector:
    """With the small backbone where there is a choice, of transformers the smallest that it can make."""
    if detectors()[name].family == "transformers":
        return import_module("tests.detcore.zoo.tiny_transformers").tiny_detector(name, num_classes)
    torch.manual_seed(0)
    choices = {item.name: item.choices for item in detectors()[name].option_list()}
    small = "mobilenet_v3_large"
    options = {"backbone": small} if small in choices.get("backbone", ()) else {}
    return build_detector(name, num_classes=num_classes, image_size=size, options=options)


def test_these_are_all_detectors_of_the_catalogue() -> None:
    assert EXTRAS.keys() == {spec.id for spec in detectors().values() if spec.build.startswith("detcore.")}


@pytest.mark.parametrize(("name", "extra"), EXTRAS.items())
def test_every_detector_is_tested_here_or_lacks_an_extra(name: str, extra: str) -> None:
    spec = detectors()[name]
    assert spec.extra == extra
    missing = missing_for(spec)
    if extra and missing is not None:
        pytest.skip(str(missing))
    assert name in NAMES


@pytest.mark.parametrize("name", NAMES)
def test_the_card_says_about_how_many_parameters_there_are(name: str) -> None:
    with torch.device("meta"):
        detector = build_detector(name, num_classes=3, image_size=320)
    count = detector.parameter_count() / 1e6
    assert count == pytest.approx(detectors()[name].parameters, abs=0.051)


@pytest.mark.parametrize(
    ("name", "num_classes"),
    [(name, count) for name in NAMES for count in (1, 80) if (name, count) != (LARGE, 1)],
)
def test_losses_are_finite_and_reach_every_parameter(name: str, num_classes: int) -> None:
    detector = build(name, num_classes).train()
    images = noise(name)
    targets = [target((8, 8, 60, 60), (70, 20, 120, 90), label=num_classes - 1), target()]
    losses = detector(images, targets[: len(images)])
    assert isinstance(losses, dict)
    total = torch.stack(list(losses.values())).sum()
    torch.autograd.backward(total)
    assert bool(torch.isfinite(total))
    learnt = [item for item in detector.named_parameters() if item[1].requires_grad]
    without = [key for key, parameter in learnt if parameter.grad is None]
    assert without == []


@pytest.mark.parametrize("name", NAMES)
def test_a_batch_without_a_single_box_is_learnt_from_too(name: str) -> None:
    images = noise(name)
    losses = build(name).train()(images, [target()] * len(images))
    assert isinstance(losses, dict)
    total = torch.stack(list(losses.values())).sum()
    torch.autograd.backward(total)
    assert bool(torch.isfinite(total.detach()))
    if "ssd" not in name:  # SSD mines three negatives for each object, so none here
        assert float(total.detach()) > 0


@pytest.mark.parametrize("name", NAMES)
def test_detections_lie_in_the_frame_best_first(name: str) -> None:
    detector = build(name).eval()
    with torch.no_grad():
        images = noise(name)
        found = detector(images)
    assert isinstance(found, list)
    assert len(found) == len(images)
    for item in found:
        assert item["boxes"].shape == (len(item["scores"]), 4)
        assert len(item["scores"]) <= 100
        assert bool((item["scores"].diff() <= 0).all())
        assert bool((item["scores"] >= 0.01).all())
        assert set(item["labels"].tolist()) <= {0, 1, 2}
        assert bool((item["boxes"] >= 0).all())
        assert bool((item["boxes"] <= torch.tensor([128.0, 96.0, 128.0, 96.0])).all())


@pytest.mark.parametrize("name", NAMES)
def test_images_of_odd_and_unlike_sizes_are_learnt_and_looked_at(name: str) -> None:
    """As a training and a prediction have them: fitted, then filled up to sides that the network takes."""
    rule = detectors()[name].input
    sizes = ((131, 97), (101, 99))[: len(noise(name))]
    fits = [fit_frame(width=width, height=height, longer_side=width, rule=rule) for width, height in sizes]
    rng = np.random.default_rng(0)
    drawn = [rng.integers(0, 256, (height, width, 3), np.uint8) for width, height in sizes]
    images = stack([resize(image, fit) for image, fit in zip(drawn, fits, strict=True)]).float() / 255
    boxes = np.array([[61.5, 40.25, 99.0, 96.5]], np.float32)
    targets = [
        Target(boxes=to_tensor(fit.to_frame(boxes)), labels=torch.tensor([1]), ignore=torch.zeros(0, 4))
        for fit in fits
    ]
    detector = build(name)
    with torch.no_grad():
        losses = detector.train()(images, targets)
        found = detector.eval()(images)
    assert isinstance(losses, dict)
    assert isinstance(found, list)
    total = float(torch.stack(list(losses.values())).sum())
    assert 0 < total < 1e6
    assert len(found) == len(images)
    height, width = images.shape[2:]
    for item in found:
        assert bool((item["boxes"] >= 0).all())
        assert bool((item["boxes"] <= torch.tensor([width, height, width, height]) + 1e-3).all())


@pytest.mark.parametrize("name", NAMES)
def test_a_look_has_the_answers_that_the_detections_were_chosen_from(name: str) -> None:
    detector = build(name).eval()
    # Or nothing is found before training.
    if isinstance(detector, Reticle | Composed):
        detector.selection = replace(detector.selection, score_floor=0.0)
    elif isinstance(detector, RetinaNetDetector | FcosDetector):
        detector.net.score_thresh = 0.0
    with torch.no_grad():
        images = noise(name)
        looks = detector.look(images)
    assert len(looks) == len(images)
    limits = torch.tensor([128.0, 96.0, 128.0, 96.0])
    for look in looks:
        found, boxes, scores = look["found"], look["boxes"], look["scores"]
        assert boxes.shape == (len(scores), 4)
        assert scores.shape[1] == 3
        assert bool(((scores >= 0) & (scores <= 1)).all())
        assert scores.numel() >= len(found["scores"]) > 0
        inside = torch.minimum(boxes.clamp(min=0), limits)
        for box, label, score in zip(found["boxes"], found["labels"], found["scores"], strict=True):
            same = (inside - box).abs().max(dim=1).values < 1e-3
            change = scores[same, label] - score
            if name == "cornernet":  # soft suppression takes from scores
                change = change.clamp(max=0.0)
            assert bool((change.abs() < 1e-6).any())


def test_ssdlite_finds_what_torchvision_itself_finds() -> None:
    torch.manual_seed(0)
    detector = SsdLite(3, image_size=128).eval()
    images = torch.rand(2, 3, 96, 128)
    with torch.no_grad():
        ours, theirs = detector.detect(images), detector.net(list(images))
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one["boxes"], other["boxes"])
        torch.testing.assert_close(one["scores"], other["scores"])
        assert one["labels"].tolist() == (other["labels"] - 1).tolist()


@pytest.mark.parametrize("name", NAMES)
def test_losses_are_fp32_where_the_convolutions_are_not(name: str) -> None:
    detector = build(name).train()
    with torch.autocast("cpu", torch.bfloat16):
        images = noise(name, 64, 64)
        losses = detector(images, [target((8, 8, 50, 50)), target()][: len(images)])
    assert isinstance(losses, dict)
    assert {value.dtype for value in losses.values()} == {torch.float32}


def test_background_inside_an_ignored_area_costs_nothing() -> None:
    detector = Reticle(2).eval()
    images = torch.rand(1, 3, 96, 128)
    counted = detector.losses(images, [target()])["class"].detach()
    ignored = detector.losses(images, [target(ignore=True)])["class"].detach()
    assert float(counted) > 0
    assert float(ignored) == 0.0


@pytest.mark.parametrize("name", NAMES)
def test_the_card_says_whether_areas_to_ignore_are_left_out_of_the_losses(name: str) -> None:
    detector, images = build(name).train(), noise(name)
    totals: list[float] = []
    for ignore in (False, True):
        torch.manual_seed(1)  # Faster R-CNN draws the proposals that it learns from
        with torch.no_grad():
            losses = detector.losses(images, [target(ignore=ignore)] * len(images))
        totals.append(float(torch.stack(list(losses.values())).sum()))
    assert (totals[0] != totals[1]) == detectors()[name].masks_ignored


def test_reticle_s_learns_one_image_by_heart() -> None:
    torch.manual_seed(0)
    detector = Reticle(1).train()
    images = torch.zeros(1, 3, 64, 64)
    images[:, :, 16:48, 8:40] = 1.0
    wanted = [target((8, 16, 40, 48))]
    optimiser = torch.optim.AdamW(detector.parameters(), lr=2e-3)
    for _ in range(60):
        losses = detector.losses(images, wanted)
        optimiser.zero_grad()
        torch.autograd.backward(torch.stack(list(losses.values())).sum())
        optimiser.step()
    with torch.no_grad():
        # Batch statistics of the one image: running ones need more steps than this test has.
        found = detector.detect(images)[0]
    assert float(found["scores"][0]) > 0.5
    torch.testing.assert_close(found["boxes"][0], torch.tensor([8.0, 16.0, 40.0, 48.0]), atol=3.0, rtol=0)
